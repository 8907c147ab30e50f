"""Removes each safeguard and expects its test to fail: `make mutations`.

Works in copies of the tree, two at a time. Prints a table, and as its last line one JSON object; the exit status is 1
where a test passed. `run.py WORD...` runs the mutants whose names contain one of the words.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
#: Most tests wait for servers and timers.
PROCESSES = 2
#: Without a safeguard against endless waiting a test may wait for ever.
LIMIT_S = 150
_COPIED = ("rider_core", "plugins", "tests", "web", "migrations", "contrib", "pyproject.toml", "tox.ini")
_LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", "*.egg-info")
#: Sources of the browser files, which a mutant rebuilds.
_BROWSER_SOURCES = "web/src/"


def main() -> None:
    words = sys.argv[1:]
    chosen = [each for each in MUTANTS if not words or any(word in each.name for word in words)]
    green = []
    with tempfile.TemporaryDirectory(prefix="m") as name, ThreadPoolExecutor(PROCESSES) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(PROCESSES):
            copies.put(copy_tree(Path(name) / str(number)))
        for number, (mutant, verdict) in enumerate(pool.map(partial(try_mutant, copies), chosen), 1):
            print(f"{number:3}/{len(chosen)} {'red  ' if verdict else 'GREEN'} {mutant.name}: {verdict}", flush=True)
            if not verdict:
                green.append(mutant.name)
    print(json.dumps({"mutants": len(chosen), "red": len(chosen) - len(green), "green": green}))
    sys.exit(1 if green else 0)


def copy_tree(folder: Path) -> Path:
    """Copy the parts of the tree that the tests need."""
    folder.mkdir()
    for part in _COPIED:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=_LEFT_OUT, symlinks=True)
        else:
            shutil.copy(source, folder / part)
    # `rider_core._web` of an editable installation is the checkout's folder; this link takes precedence.
    (folder / "rider_core" / "_web").symlink_to(folder / "web")
    return folder


def try_mutant(copies: SimpleQueue[Path], mutant: Mutant) -> tuple[Mutant, str]:
    """Apply the mutant in a copy that no other thread uses, and run its test there."""
    copy = copies.get()
    try:
        with applied(copy, mutant):
            return mutant, failed_test(copy, mutant)
    except subprocess.CalledProcessError as error:
        print(f"{mutant.name}: the browser files cannot be built:\n{error.stdout}", flush=True)
        return mutant, ""
    finally:
        copies.put(copy)


@contextmanager
def applied(copy: Path, mutant: Mutant) -> Iterator[None]:
    """Remove the safeguard within the block, and rebuild the browser files where they contain it."""
    file, static, kept = copy / mutant.file, copy / "web" / "static", copy / "static"
    text = file.read_text()
    file.write_text(text.replace(mutant.old, mutant.new, 1))
    try:
        if mutant.file.startswith(_BROWSER_SOURCES):
            shutil.copytree(static, kept)
            build = [sys.executable, "contrib/build/panel.py", "web"]
            subprocess.run(build, cwd=copy, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        yield
    finally:
        file.write_text(text)
        if kept.is_dir():
            shutil.rmtree(static)
            kept.rename(static)


def failed_test(copy: Path, mutant: Mutant) -> str:
    """The test that fails with the mutant; empty where all pass, or none ran."""
    tests, words = mutant.test
    path = os.pathsep.join(map(str, [copy, *sorted((copy / "plugins").iterdir())]))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        tests,
        *(["-k", words] if words else []),
    ]
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    # A group of its own: servers that a test has started end with it.
    with subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return f"no end within {LIMIT_S} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode == 0:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) \S+?\.py::(?:\w+::)?(.+?)(?: - .*)?$", output, re.MULTILINE)
    if failed is None:
        print(f"{mutant.name}: no test ran:\n{output[-2000:]}", flush=True)
        return ""
    return failed.group(1)


if __name__ == "__main__":
    main()
