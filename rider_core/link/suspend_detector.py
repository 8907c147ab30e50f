"""Detects that this process did not run: the PC was suspended, or the process was stopped."""

from __future__ import annotations

import time

#: A wait that lasts this much counts as a suspend, in seconds. The loops wait for less than a second.
SUSPENDED_S = 5.0


def now_s() -> float:
    """A clock that includes suspends of the machine, which `time.monotonic` does not on Linux."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class SuspendDetector:
    """Measures each wait of a loop. Not thread-safe."""

    def __init__(self) -> None:
        self._since = now_s()

    def begin(self) -> None:
        """Call before a short wait."""
        self._since = now_s()

    def suspended_s(self) -> float:
        """Call after the wait. Seconds that the process did not run; 0: it ran."""
        passed_s = now_s() - self._since
        return passed_s if passed_s > SUSPENDED_S else 0.0
