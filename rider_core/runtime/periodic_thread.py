"""A thread that does the same work again and again, and goes on where the work fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from rider_core.timing import ended_within

log = logging.getLogger(__name__)


class PeriodicThread:
    """Calls `work` at its start, and again `every_s` seconds after each call."""

    def __init__(self, name: str, work: Callable[[], None], every_s: float, failed: str) -> None:
        """
        Args:
            failed: What is logged, with the traceback, where `work` raises.
        """
        self._work = work
        self._every_s = every_s
        self._failed = failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a call that runs longer than a second is left to itself."""
        self._stop.set()
        if self._thread.is_alive():
            ended_within(self._thread, 1)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
            except Exception:  # the top of a thread
                log.exception("%s", self._failed)
            self._stop.wait(self._every_s)
