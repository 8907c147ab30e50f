"""A watchdog for each of the link's threads. Where one hangs, the process is restarted."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")

#: The longest round of a thread, in seconds: some calls to a robot that hangs, each at its limit.
STUCK_AFTER_S = 30.0
#: The same for threads that wait for jobs: the longest wait for a job, and some calls to a Redis that hangs.
STUCK_ON_JOBS_AFTER_S = 60.0
#: A thread that waits for an item feeds its watchdog at this interval, in seconds.
FEED_EVERY_S = 1.0


class ThreadWatchdog:
    """For one thread, which calls `feed` in every round."""

    def __init__(self, name: str, stuck_after_s: float | None = None) -> None:
        """
        Args:
            stuck_after_s: The longest time between two calls of `feed`, in seconds; None: `STUCK_AFTER_S`.
        """
        self.name = name
        self._stuck_after_s = STUCK_AFTER_S if stuck_after_s is None else stuck_after_s
        self._thread: threading.Thread | None = None
        self._last = 0.0

    def feed(self) -> None:
        self._thread = threading.current_thread()
        self._last = time.monotonic()

    def items(self, waiting: queue.Queue[Item | None] | queue.SimpleQueue[Item | None]) -> Iterator[Item]:
        """Yield a queue's items, feeding the watchdog before each and while the queue is empty. None ends it."""
        while True:
            self.feed()
            try:
                item = waiting.get(timeout=FEED_EVERY_S)
            except queue.Empty:
                continue
            if item is None:
                return
            yield item

    def problem(self) -> str:
        """Whether the thread hangs or has ended, in words; empty: neither, or it has not started."""
        if self._thread is None:
            return ""
        if not self._thread.is_alive():
            return f"{self.name} has ended"
        late_s = time.monotonic() - self._last
        return f"{self.name} has hung for {late_s:.0f} s" if late_s > self._stuck_after_s else ""
