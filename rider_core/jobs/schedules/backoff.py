"""Back-off of schedules whose jobs the backend has refused. Each scheduler keeps its own."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from rider_core.timing import backoff_delays

#: Delays in seconds: a backend that cannot be reached may be back in a second; a full queue is tried once a minute.
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0


@dataclass
class _Delay:
    until: float = 0.0  # on the monotonic clock
    reason: str = ""
    delays_s: Iterator[float] = field(default_factory=lambda: backoff_delays(FIRST_DELAY_S, LONGEST_DELAY_S))


class Backoff:
    """The due times that are not tried again yet."""

    def __init__(self) -> None:
        self._delays: dict[tuple[str, int], _Delay] = {}

    def left_s(self) -> float | None:
        """Seconds until the first delay ends; None: no schedule is delayed."""
        return min((delay.until - time.monotonic() for delay in self._delays.values()), default=None)

    def ready(self, due: Collection[tuple[str, int]]) -> list[tuple[str, int]]:
        """The due times that are not delayed. Delays of all other due times are forgotten."""
        known = set(due)
        self._delays = {key: delay for key, delay in self._delays.items() if key in known}
        now = time.monotonic()
        return [key for key in due if key not in self._delays or self._delays[key].until <= now]

    def refuse(self, key: tuple[str, int], reason: str, at_least_s: float = 0.0) -> float:
        """Delay a due time, longer each time. Returns the delay in seconds."""
        delay = self._delays.setdefault(key, _Delay())
        delay_s = max(next(delay.delays_s), at_least_s)
        delay.until, delay.reason = time.monotonic() + delay_s, reason
        return delay_s

    def reasons(self) -> list[str]:
        """Which schedules are delayed, and why. May be called from another thread."""
        return [f"{schedule_id}: {delay.reason}" for (schedule_id, _), delay in list(self._delays.items())]
