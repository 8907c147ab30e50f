"""A program of ours as a fork of a process that has imported what it needs: a second of work less for each start."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

#: What the forks have imported already; each has a function `main`, which reads `sys.argv`.
PRELOADED = ("rider_core.testing.jobs.faults.fast_timing_worker", "rider_core.cli.main", "rq.cli")
#: What these import later, with a command or the first use of the database.
_LATER = ("rider_core.cli.worker", "rider_core.cli.link", "rider_core.database.database")

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["rider_core.testing.forked", *PRELOADED, *_LATER])


class ForkedProcess:
    """Runs `main()` of a module with its own arguments, environment, folder and log. Used as `subprocess.Popen` is."""

    def __init__(
        self, module: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path
    ) -> None:
        self.args = [module, *arguments]
        log.touch()  # as Popen's caller makes it before: there is one from the start
        self._process: ForkServerProcess = _SERVER.Process(
            target=_run, args=(module, list(arguments), str(log), dict(environment), str(folder))
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status; minus a signal's number where that ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(module: str, arguments: list[str], log: str, environment: dict[str, str], folder: str) -> None:
    """In the fork: become the program."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.close(output)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.argv = [module, *arguments]
    importlib.import_module(module).main()
