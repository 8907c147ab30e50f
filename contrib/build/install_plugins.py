"""Installs every plugin of the folder `plugins`, editable, into the environment of the interpreter that runs this.

python install_plugins.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


def main() -> int:
    folders = sorted(folder for folder in PLUGINS.iterdir() if (folder / "pyproject.toml").is_file())
    # The environment has setuptools; an isolated build would fetch it once more for each of them.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation"]
    return subprocess.run([*command, *(f"--editable={folder}" for folder in folders)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
