"""Panels as forks: half a second of a processor less for each start. The server is `panel_fork_server`."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from rider_core.testing.waiting import wait_until

#: Maximum time until the server has imported the panel, in seconds: much work for a machine that has other work.
SERVER_START_S = 60.0
#: Maximum wait for a panel's end where a test names none, in seconds.
LONGEST_WAIT_S = 60.0

_numbers = count()


class ForkedPanel:
    """Used as `subprocess.Popen` is."""

    def __init__(self, mode: str, environment: Mapping[str, str], folder: Path, log: Path) -> None:
        report = folder / f"panel-{os.getpid()}-{next(_numbers)}"
        request = {"environment": dict(environment), "folder": str(folder), "log": str(log), "report": str(report)}
        log.touch()
        server = _server(mode)
        assert server.stdin is not None
        server.stdin.write(json.dumps(request).encode() + b"\n")
        server.stdin.flush()
        self.args = ["rider_core.web"]
        self._status = Path(f"{report}.status")
        wait_until(report.exists, SERVER_START_S, "the panel's process")
        self.pid = int(report.read_text())

    @property
    def returncode(self) -> int | None:
        """The exit status; minus a signal's number where that ended it; None while it runs."""
        with suppress(FileNotFoundError):
            return int(self._status.read_text())
        return None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        limit_s = LONGEST_WAIT_S if timeout is None else timeout
        with suppress(pytest.fail.Exception):
            wait_until(lambda: self.returncode is not None, limit_s)
        status = self.returncode
        if status is None:
            raise subprocess.TimeoutExpired(self.args, limit_s)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def _server(mode: str) -> subprocess.Popen[bytes]:
    """The fork server of this mode. It ends with this process, whose end of its standard input is closed then."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RIDER_", "REDIS_"))}
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("panel_fork_server.py"))],
        stdin=subprocess.PIPE,
        env={**kept, "RIDER_ASYNC_MODE": mode},
        start_new_session=True,  # it ends its group
    )
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait()
