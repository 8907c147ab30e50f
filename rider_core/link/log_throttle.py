"""Log lines that repeat: the first is written, the others are counted, and their number is told now and then."""

from __future__ import annotations

import logging
import time

#: While a line repeats, how many there were is told this often.
TOLD_EVERY_S = 60.0


class LogThrottle:
    """One kind of line, whose wording may change a little from one time to the next. Belongs to one thread."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        """
        Args:
            what: The line's beginning; what happened each time follows after a colon.
        """
        self._log = log
        self._what = what
        self._told: float | None = None
        self._more = 0
        self._last = ""

    def note(self, text: str, error: Exception | None = None) -> None:
        """It happened again.

        Args:
            error: Its traceback is written where the line is the first.
        """
        now = time.monotonic()
        if self._told is None:
            self._told = now
            self._log.info("%s: %s", self._what, text, exc_info=error)
            return
        self._more += 1
        self._last = text
        if now - self._told >= TOLD_EVERY_S:
            self._told = now
            self._tell()

    def end(self) -> None:
        """It is over: the next one is a first one again."""
        if self._more:
            self._tell()
        self._told = None

    def _tell(self) -> None:
        self._log.info("%s %d times more, at last: %s", self._what, self._more, self._last)
        self._more = 0
