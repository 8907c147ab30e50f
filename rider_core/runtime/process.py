"""Common parts of all processes: logging, ending with the supervisor, and publishing the status."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

from rider_core import __version__
from rider_core.config import Settings
from rider_core.errors import BackendUnavailable
from rider_core.eventbus import EventBus
from rider_core.metrics import name_process
from rider_core.runtime.log_lines import JsonLineFormatter, LineFormatter
from rider_core.runtime.log_stream import LogStreamHandler
from rider_core.runtime.redis_connection import connect
from rider_core.timing import ended_within
from rider_core.tracing import export_spans

log = logging.getLogger(__name__)

#: Interval of the status events, in seconds. After three missed ones a process counts as silent.
STATUS_EVERY_S = 5.0
#: The supervisor sets this variable to its own process id for its children.
SUPERVISOR_VARIABLE = "RIDER_SUPERVISOR_PID"
_PR_SET_PDEATHSIG = 1


def set_up_logging(role: str, level: str, log_format: Literal["text", "json"] = "text") -> None:
    """Log to standard error, in one format for all processes."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(JsonLineFormatter(role))
    else:
        handler.setFormatter(LineFormatter(f"%(asctime)s {role:<13} %(levelname)-7s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore", "werkzeug", "waitress", "alembic", "pywhispercpp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def observe_process(role: str, settings: Settings) -> None:
    """Name the process in its metrics, log as the settings say, also for the panel, and export spans where asked."""
    name_process(role)
    set_up_logging(role, settings.log_level, settings.log_format)
    logging.getLogger().addHandler(LogStreamHandler(role, lambda: connect(settings.redis_location)))
    export_spans(role, __version__)


def die_with_supervisor() -> None:
    """Let the kernel terminate this process when its supervisor ends, also if it was killed. Linux only."""
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if supervisor is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(supervisor):  # it ended before the line above
        sys.exit(0)


class StatusReporter:
    """Publishes this process's status every `STATUS_EVERY_S`, and once more when it stops."""

    def __init__(self, bus: EventBus, describe: Callable[[], dict[str, Any]]) -> None:
        """
        Args:
            describe: Returns the event's data: role, name, state and more.
        """
        self._bus = bus
        self._describe = describe
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        ended_within(self._thread, STATUS_EVERY_S)
        self._publish(state="stopped")

    def _run(self) -> None:
        while True:
            self._publish()
            if self._stop.wait(STATUS_EVERY_S):
                return

    def _publish(self, **more: Any) -> None:
        try:
            self._bus.publish("process.status", **{"pid": os.getpid(), **self._describe(), **more})
        except BackendUnavailable as error:
            log.debug("status not sent: %s", error)
