"""Whether this process stood still: the PC was suspended, or the process was stopped."""

from __future__ import annotations

import time

#: A loop that takes its turns twice a second and missed this many seconds of them did not run.
SUSPENDED_S = 5.0


def now_s() -> float:
    """Seconds that pass during a suspend of the machine, too, which `time.monotonic` leaves out on Linux."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class SuspendDetector:
    """Noticed around each wait of a loop. For one thread."""

    def __init__(self) -> None:
        self._since = now_s()

    def begin(self) -> None:
        """A short wait begins."""
        self._since = now_s()

    def suspended_s(self) -> float:
        """How long the process stood still in that wait; 0 where it did not."""
        passed_s = now_s() - self._since
        return passed_s if passed_s > SUSPENDED_S else 0.0
