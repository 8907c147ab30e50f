"""How long the whole test run takes: `make bench-tests`.

The last commit is cloned into a temporary folder, and `.ci/run` runs there with an empty HOME: nothing that was
installed or built before helps it. Prints the run's own tables, and as its last line one JSON object. `--runs N` does
it N times, one after the other; a run that fails ends it with its exit status.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: Models and recordings beside the checkout, where developers have them; CI has them in the same place.
SHARED = ROOT.parent / "shared"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1, help="how many, one after the other")
    options = parser.parse_args()
    runs = [measured() for _ in range(options.runs)]
    durations = [run["all_s"] for run in runs]
    print(f"\n{options.runs} run(s), seconds with set-up: {', '.join(map(str, durations))}")
    print(json.dumps({"runs_s": durations, "longest_s": max(durations), "runs": runs}))


def measured() -> dict[str, Any]:
    """One run: the JSON of its last line, and `all_s`, the seconds from its first command to its last."""
    with tempfile.TemporaryDirectory(prefix="rider-tests-") as name:
        clone, home = Path(name) / "main", Path(name) / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        if SHARED.is_dir():
            (Path(name) / "shared").symlink_to(SHARED)
        started = time.monotonic()
        # The interpreters stay where they are: what is empty is the folder for caches and settings.
        environment = {**os.environ, "HOME": str(home), "PYENV_ROOT": pyenv_root()}
        summary: dict[str, Any] = {}
        command = ["bash", ".ci/run"]
        with subprocess.Popen(command, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            for line in run.stdout:
                print(line, end="", flush=True)
                if line.startswith('{"total_s"'):
                    summary = json.loads(line)
        if run.returncode != 0:
            sys.exit(run.returncode)
        return {"all_s": round(time.monotonic() - started), **summary}


def pyenv_root() -> str:
    return os.environ.get("PYENV_ROOT") or str(Path.home() / ".pyenv")


if __name__ == "__main__":
    main()
