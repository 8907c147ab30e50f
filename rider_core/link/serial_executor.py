"""Executes calls that may wait for Redis, in a thread of their own: the robot bus's thread must not wait."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from rider_core.link.thread_watchdog import STUCK_ON_JOBS_AFTER_S, ThreadWatchdog

log = logging.getLogger(__name__)

#: Calls that may wait in the queue: utterances, texts to speak, and jobs to cancel.
MAX_WAITING = 32

Call = Callable[[], None]


class SerialExecutor:
    """Executes calls one after another, in their order."""

    def __init__(self, name: str = "executor", max_waiting: int = MAX_WAITING) -> None:
        """
        Args:
            name: Name of the thread.
            max_waiting: Length of the queue.
        """
        self._waiting: queue.Queue[Call | None] = queue.Queue(max_waiting)
        self.watchdog = ThreadWatchdog(name, STUCK_ON_JOBS_AFTER_S)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        try:
            self._waiting.put(None, timeout=1)
        except queue.Full:
            log.warning("%d calls were not executed", self._waiting.qsize())
        self._thread.join(timeout=3)

    def run(self, call: Call) -> bool:
        """Queue a call; returns at once. False: the queue is full, and the call will not be executed."""
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        for call in self.watchdog.items(self._waiting):
            try:
                call()
            except Exception:  # the top of a thread
                log.exception("a call of the %s failed", self._thread.name)
