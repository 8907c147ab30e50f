"""Runs each plugin's own tests in an environment that holds the core and nothing but this plugin.

    python check_plugins.py WORK_FOLDER [PLUGIN...]

Without names it is all that there are.

The core is the one of the interpreter that runs this: `tox run -e plugins` has installed its wheel there.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


def main() -> int:
    work, *names = sys.argv[1:]
    folders = sorted(folder for folder in PLUGINS.iterdir() if (folder / "pyproject.toml").is_file())
    chosen = [folder for folder in folders if not names or folder.name in names]
    failed = [folder.name for folder in chosen if not tested_alone(folder, Path(work))]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def tested_alone(plugin: Path, work: Path) -> bool:
    print(f"== {plugin.name}", flush=True)
    alone = work / plugin.name
    # The parent's packages are the core with its requirements; what one plugin brings, the next does not see.
    venv.create(alone, clear=True, with_pip=False)
    inherit(alone)
    python = str(alone / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--no-build-isolation", str(plugin)]
    models = [python, "-m", "rider_core.cli.main", "models", "pull", "--required"]
    test = [python, "-m", "pytest", "-c", str(plugin.parents[1] / "pyproject.toml")]
    # Long runs are for whoever changes something there: `pytest -m acceptance plugins/NAME`.
    test += ["-m", "not acceptance", str(plugin / "tests")]
    return all(subprocess.run(command, cwd=alone, check=False).returncode == 0 for command in (install, models, test))


def inherit(alone: Path) -> None:
    """Let `alone` see the packages of the running environment, behind its own."""
    for own in alone.glob("lib/python*/site-packages"):
        for parents in (Path(sys.prefix) / "lib").glob("python*/site-packages"):
            (own / "core.pth").write_text(f"{parents}\n")


if __name__ == "__main__":
    sys.exit(main())
