"""Builds the core and the plugins as for a release, installs the wheels in an empty environment, and tries them there.

    python check_wheels.py WORK_FOLDER

Nothing of the checkout is on the path of what is tried: it runs in an empty folder with a data folder of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from installer import Installer

ROOT = Path(__file__).resolve().parents[2]
#: The core first: the plugins' requirement `rider-core` must be met by ours, never by the index.
PACKAGES = (ROOT, *sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml")))
#: Without these, the core's wheel installs and then does not work.
NEEDED = (
    "rider_core/py.typed",
    "rider_core/_migrations/__init__.py",
    "rider_core/_migrations/env.py",
    "rider_core/_migrations/script.py.mako",
    "rider_core/_migrations/versions/0001_settings_and_history.py",
    "rider_core/_web/__init__.py",
    "rider_core/_web/static/app.js",
)
UNWANTED = ("tests/", "node_modules/", "rider_core/_web/src/", "contrib/")
#: Commands that must work in a fresh installation, each with a part of its output.
TRIALS = (
    (["rider", "db", "upgrade"], "revision 0006"),
    (["rider", "--version"], "rider, version"),
    (["rider", "plugins", "list"], "espeak"),
    (["rider", "models", "list"], "whisper-base"),
    (["rider", "models", "list"], "ssd-oidv4"),
    (["rider", "prompts", "list"], "companion"),
    (["rider", "ollama", "--help"], "pull"),
    (["rider", "models", "list"], "smollm2-135m"),
    (["rider", "config", "show"], "data_dir"),
    (["rider", "doctor"], "ok"),
    (["python", "-c", "from rider_core.web.assets import web_folder; print(web_folder())"], "_web"),
)


def main() -> int:
    work = Path(sys.argv[1]).resolve()
    installer = Installer()
    with ThreadPoolExecutor(2) as lanes:
        wheels = list(lanes.map(lambda package: build(installer, package, work / "dist" / package.name), PACKAGES))
    problems = missing_or_unwanted(wheels[0])
    empty = work / "empty"
    installer.install(installer.make(empty), [str(wheel) for wheel in wheels])
    elsewhere = work / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    # The first makes the database; the others only look.
    first, *others = TRIALS
    with ThreadPoolExecutor(2) as lanes:
        tried = [trial(empty, elsewhere, *first), *lanes.map(lambda each: trial(empty, elsewhere, *each), others)]
    problems += [problem for problem in tried if problem]
    for problem in problems:
        print(f"FAILED: {problem}", file=sys.stderr)
    return 1 if problems else 0


def build(installer: Installer, package: Path, dist: Path) -> Path:
    """The package's wheel, in a folder of its own."""
    installer.build(package, dist)
    (wheel,) = dist.glob("*.whl")
    print(f"== built {wheel.name}: {wheel.stat().st_size // 1024} KiB", flush=True)
    return wheel


def missing_or_unwanted(wheel: Path) -> list[str]:
    names = zipfile.ZipFile(wheel).namelist()
    templates = [name for name in names if name.startswith("rider_core/_web/templates/")]
    missing = [f"{wheel.name} lacks {name}" for name in NEEDED if name not in names]
    unwanted = [f"{wheel.name} has {name}" for name in names if name.startswith(UNWANTED)]
    return missing + unwanted + ([] if templates else [f"{wheel.name} has no templates"])


def trial(empty: Path, folder: Path, command: list[str], expected: str) -> str | None:
    """Run `command` of the environment `empty`; the problem with it, if any."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RIDER_", "PYTHON"))}
    environment = {**inherited, "RIDER_DATA_DIR": str(folder / "data")}
    program = [str(empty / "bin" / command[0]), *command[1:]]
    ran = subprocess.run(
        program, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    print(f"== {' '.join(command)}\n{ran.stdout}", flush=True)
    if ran.returncode != 0:
        return f"{' '.join(command)} ended with {ran.returncode}"
    return None if expected in ran.stdout else f"{' '.join(command)} did not print {expected!r}"


if __name__ == "__main__":
    sys.exit(main())
