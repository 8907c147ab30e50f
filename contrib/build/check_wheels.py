"""Builds the core and the plugins as for a release, installs the wheels in an empty environment, and tries them there.

    python check_wheels.py WORK_FOLDER

Nothing of the checkout is on the path of what is tried: it runs in an empty folder with a data folder of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

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
#: What a fresh installation must be able to do, with what it must say.
TRIALS = (
    (["rider", "--version"], "rider, version"),
    (["rider", "db", "upgrade"], "revision 0002"),
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
    wheels = [build(package, work / "dist") for package in PACKAGES]
    problems = missing_or_unwanted(wheels[0])
    empty = work / "empty"
    venv.create(empty, clear=True, with_pip=True)
    call([empty / "bin" / "python", "-m", "pip", "install", "--quiet", *wheels])
    problems += [problem for command, said in TRIALS if (problem := trial(empty, work / "elsewhere", command, said))]
    for problem in problems:
        print(f"FAILED: {problem}", file=sys.stderr)
    return 1 if problems else 0


def build(package: Path, dist: Path) -> Path:
    """The sdist, and from that the wheel: what is not in the first cannot get into the second."""
    print(f"== building {package.name if package != ROOT else 'rider-core'}", flush=True)
    before = set(dist.glob("*.whl"))
    call([sys.executable, "-m", "build", "--outdir", dist, package], stdout=subprocess.DEVNULL)
    (wheel,) = set(dist.glob("*.whl")) - before
    print(f"   {wheel.name}: {wheel.stat().st_size // 1024} KiB", flush=True)
    return wheel


def missing_or_unwanted(wheel: Path) -> list[str]:
    names = zipfile.ZipFile(wheel).namelist()
    templates = [name for name in names if name.startswith("rider_core/_web/templates/")]
    missing = [f"{wheel.name} lacks {name}" for name in NEEDED if name not in names]
    unwanted = [f"{wheel.name} has {name}" for name in names if name.startswith(UNWANTED)]
    return missing + unwanted + ([] if templates else [f"{wheel.name} has no templates"])


def trial(empty: Path, folder: Path, command: list[str], said: str) -> str | None:
    """Run `command` of the environment `empty`; the problem with it, if any."""
    folder.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RIDER_", "PYTHON"))}
    environment = {**kept, "RIDER_DATA_DIR": str(folder / "data")}
    program = [str(empty / "bin" / command[0]), *command[1:]]
    print(f"== {' '.join(command)}", flush=True)
    ran = subprocess.run(
        program, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    print(ran.stdout, flush=True)
    if ran.returncode != 0:
        return f"{' '.join(command)} ended with {ran.returncode}"
    return None if said in ran.stdout else f"{' '.join(command)} did not say {said!r}"


def call(command: list[str | Path], stdout: int | None = None) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=stdout)


if __name__ == "__main__":
    sys.exit(main())
