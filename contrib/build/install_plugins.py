"""Installs every plugin of the folder `plugins`, editable, into the environment of the interpreter that runs this.

python install_plugins.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from installer import Installer

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


def main() -> None:
    folders = sorted(folder for folder in PLUGINS.iterdir() if (folder / "pyproject.toml").is_file())
    # The environment has setuptools; an isolated build would install it once more for each of them.
    Installer().install(sys.executable, ["--no-build-isolation", *(f"--editable={folder}" for folder in folders)])


if __name__ == "__main__":
    main()
