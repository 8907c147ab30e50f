"""Pulls or verifies one model in a process of its own, and tells its progress: `python -m ... pull|verify NAME`.

The panel starts it. Digests, unpacking and a plugin's conversion keep a processor busy for seconds, which would stop
eventlet's green threads; and a process can be ended at any point of a download. The next pull resumes it.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rider_core.catalogue import ModelCatalogue
from rider_core.config import load_settings
from rider_core.errors import RiderError
from rider_core.runtime.plugins import load_plugins
from rider_core.runtime.process import set_up_logging

log = logging.getLogger(__name__)

#: Interval of the lines with progress, in seconds.
REPORT_EVERY_S = 0.2


class Reporter:
    """Writes lines of JSON to the process that started this one: progress while there is some, and the result."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._latest: tuple[str, int, int] | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._report, name="report", daemon=True)
        self._thread.start()

    def progress(self, phase: str, done: int, total: int) -> None:
        self._latest = (phase, done, total)

    def end(self, error: str | None, remedy: str | None = None) -> None:
        """The result. `error`: why it failed; None: it did not."""
        self._is_over.set()
        self._thread.join()
        self._send({"error": error, "remedy": remedy})

    def _report(self) -> None:
        reported = None
        while not self._is_over.wait(REPORT_EVERY_S):
            if (latest := self._latest) is not None and latest != reported:
                reported = latest
                self._send(dict(zip(("phase", "done", "total"), latest, strict=True)))

    def _send(self, line: dict[str, Any]) -> None:
        with suppress(OSError):  # the other one has ended, and so does this one
            self._connection.sendall(json.dumps(line).encode() + b"\n")


def main() -> int:
    """Standard input is a socket to the process that started this one."""
    action, name = sys.argv[1:]
    connection = socket.socket(fileno=os.dup(0))
    connection.setblocking(True)  # eventlet has made it non-blocking
    threading.Thread(target=_end_with_starter, args=(connection,), daemon=True).start()
    reporter = Reporter(connection)
    try:
        _run(action, name, reporter.progress)
    except RiderError as error:
        reporter.end(error.message, error.remedy)
    except Exception as error:  # the top of a process; a plugin's code is in it
        log.exception("%s of model %s failed", action, name)
        reporter.end(f"{type(error).__name__}: {error}"[:500])
    else:
        reporter.end(None)
    return 0


def _run(action: str, name: str, progress: Callable[[str, int, int], None]) -> None:
    settings = load_settings()
    set_up_logging("models", settings.log_level, settings.log_format)
    catalogue = ModelCatalogue(load_plugins(settings).registry.models, settings.models_dir, settings.model_path)
    {"pull": catalogue.pull, "verify": catalogue.verify}[action](name, progress)


def _end_with_starter(connection: socket.socket) -> None:
    """End this process when the one that started it has ended, or closes the socket."""
    with suppress(OSError):
        connection.recv(1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
