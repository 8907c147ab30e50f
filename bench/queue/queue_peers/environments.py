"""A virtual environment for each library, made once and used again while its versions stay the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from .peers import REQUIREMENTS

STAMP = "bench-stamp"
#: Of one step; the largest environment takes a minute from a slow index.
STEP_LIMIT_S = 600


def prepare(work_folder: Path) -> None:
    """Make the missing environments. A library that cannot be installed is reported here and in its rows."""
    for library in REQUIREMENTS:
        folder = environment(work_folder, library)
        if is_ready(work_folder, library):
            continue
        print(f"* making an environment for {library}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            make(folder, library)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"* {library} could not be installed: {error}", flush=True)


def environment(work_folder: Path, library: str) -> Path:
    return work_folder.absolute() / "environments" / library


def is_ready(work_folder: Path, library: str) -> bool:
    stamp = environment(work_folder, library) / STAMP
    return stamp.is_file() and stamp.read_text() == stamp_text(library)


def make(folder: Path, library: str) -> None:
    python = sys.executable
    # Without pip of its own: Debian's python3 lacks ensurepip, and ours can install into it.
    step([python, "-m", "venv", "--without-pip", str(folder)])
    pip = [python, "-m", "pip", "--python", str(folder / "bin" / "python"), "-qq", "--disable-pip-version-check"]
    step([*pip, "install", "--no-input", *REQUIREMENTS[library]])
    (folder / STAMP).write_text(stamp_text(library))


def step(command: list[str]) -> None:
    subprocess.run(command, check=True, timeout=STEP_LIMIT_S, stdin=subprocess.DEVNULL)


def stamp_text(library: str) -> str:
    return "\n".join([sys.version, *REQUIREMENTS[library]])
