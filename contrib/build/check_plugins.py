"""Runs each plugin's own tests in an environment that holds the core and nothing but this plugin, two at a time.

    python check_plugins.py WORK_FOLDER [PLUGIN...]

Without names it tests all. The core is the wheel in TOX_PACKAGE: `tox run -e plugins` has built it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from installer import Installer

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
#: Packages with which plugins' tests run.
TOOLS = ("pytest-randomly", "pytest-xdist")
#: The longest first, so that both lanes end together; and how many processes wait for servers and timers in one.
LONGEST = {"rider-queue-rabbitmq": 2, "rider-voice-whisper": 1, "rider-text-llama": 1, "rider-vision-mediapipe": 1}


def main() -> int:
    work, *names = sys.argv[1:]
    known = sorted(folder.name for folder in PLUGINS.iterdir() if (folder / "pyproject.toml").is_file())
    if unknown := set(names) - set(known):
        sys.exit(f"there is no plugin {', '.join(sorted(unknown))} in {PLUGINS}")
    in_order = [*LONGEST, *(name for name in known if name not in LONGEST)]
    chosen = [name for name in in_order if not names or name in names]
    with ThreadPoolExecutor(2) as lanes:
        done = list(lanes.map(lambda name: tested_alone(name, Path(work)), chosen))
    failed = [name for name, succeeded in done if not succeeded]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def tested_alone(name: str, work: Path) -> tuple[str, bool]:
    """The plugin's name, and whether its tests passed. Their output is printed in one piece."""
    alone = work / name
    log = work / f"{name}.log"
    with log.open("wb") as output:
        try:
            python = Installer().make(alone)
            core = f"rider-core[testing] @ {Path(os.environ['TOX_PACKAGE']).as_uri()}"
            Installer().install(python, [core, str(PLUGINS / name), *TOOLS])
            models = [python, "-m", "rider_core.cli.main", "models", "pull", "--required"]
            for command in (models, test_command(python, name)):
                subprocess.run(command, cwd=alone, check=True, stdout=output, stderr=subprocess.STDOUT)
            succeeded = True
        except subprocess.CalledProcessError as error:
            output.write(f"{error}\n".encode())
            succeeded = False
    print(f"== {name}\n{log.read_text(errors='replace')}", flush=True)
    return name, succeeded


def test_command(python: Path, name: str) -> list[str | Path]:
    command: list[str | Path] = [python, "-m", "pytest", "-c", ROOT / "pyproject.toml"]
    if LONGEST.get(name, 1) > 1:
        command += ["-n", str(LONGEST[name]), "--dist", "loadfile"]
    if "RIDER_TEST_REPORTS" in os.environ:
        command.append(f"--junitxml={os.environ['RIDER_TEST_REPORTS']}/plugins/{name}.xml")
    # Long runs are for changes of that plugin: `pytest -m acceptance plugins/NAME`.
    return [*command, "-m", "not acceptance", PLUGINS / name / "tests"]


if __name__ == "__main__":
    sys.exit(main())
