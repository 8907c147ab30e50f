"""Starts panels as forks of a process that has imported the panel, in one async mode: `python panel_fork_server.py`.

The mode is RIDER_ASYNC_MODE. Each line of standard input is a JSON object with `environment`, `folder` (the working
directory), `log` (a file that output is appended to) and `report` (a file that gets the panel's process id, and one
with `.status` at its end that gets its exit status). With its standard input all of its process group ends.

eventlet must patch the standard library before anything else is imported, so the fork server of multiprocessing, which
has imported much, cannot be the parent of panels. No thread, connection or hub of eventlet is here that a fork could
inherit.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from importlib import import_module
from os import fork, waitpid  # eventlet's own waitpid asks again and again
from typing import Any


def main() -> None:
    # In this order: the first patches the standard library; the second is imported by a panel's first event.
    for module in ("rider_core.web.__main__", "rider_core.database.database"):
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks below
    lines = b""
    while piece := os.read(0, 65_536):
        *whole, lines = (lines + piece).split(b"\n")
        for line in whole:
            if fork() == 0:
                _watch(json.loads(line))
    os.killpg(0, signal.SIGKILL)  # the tests have ended, or were killed: no panel outlives them


def _watch(request: dict[str, Any]) -> None:
    """Start the panel, and write down how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process_id = fork()
    if process_id == 0:
        _become(request)
    _write(request["report"], process_id)
    _, status = waitpid(process_id, 0)
    _write(request["report"] + ".status", os.waitstatus_to_exitcode(status))
    os._exit(0)


def _write(file: str, number: int) -> None:
    """A reader sees all of it, or no file."""
    with open(f"{file}.new", "w") as new:
        new.write(str(number))
    os.rename(f"{file}.new", file)


def _become(request: dict[str, Any]) -> None:
    """In the fork: be the panel."""
    output = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:0] = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.argv = ["rider_core.web"]
    from rider_core.web.__main__ import main as serve  # noqa: PLC0415 - see above

    status = 1
    try:
        status = serve()
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
