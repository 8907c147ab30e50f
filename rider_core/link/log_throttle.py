"""Throttles a log line that repeats: the first is written, the others are counted, and the count is logged."""

from __future__ import annotations

import logging
import time

#: Interval at which the count is logged while a line repeats, in seconds.
LOG_EVERY_S = 60.0


class LogThrottle:
    """For one kind of line, whose text may vary. Not thread-safe."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        """
        Args:
            what: The line's beginning; the text of each occurrence follows after a colon.
        """
        self._log = log
        self._what = what
        self._logged: float | None = None
        self._more = 0
        self._last = ""

    def info(self, text: str, error: Exception | None = None) -> None:
        """Log or count an occurrence.

        Args:
            error: Its traceback is logged with the first line.
        """
        now = time.monotonic()
        if self._logged is None:
            self._logged = now
            self._log.info("%s: %s", self._what, text, exc_info=error)
            return
        self._more += 1
        self._last = text
        if now - self._logged >= LOG_EVERY_S:
            self._logged = now
            self._log_count()

    def reset(self) -> None:
        """The next occurrence is a first one again."""
        if self._more:
            self._log_count()
        self._logged = None

    def _log_count(self) -> None:
        self._log.info("%s %d times more, at last: %s", self._what, self._more, self._last)
        self._more = 0
