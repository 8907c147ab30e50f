"""Back-off of schedules whose jobs the backend has refused. Each scheduler has its own table."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from rider_core.timing import backoff_delays

#: A backend that is away may be back in a second; a queue that is full for long is worth a look once a minute.
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0


@dataclass
class _Rest:
    until: float = 0.0
    reason: str = ""
    delays_s: Iterator[float] = field(default_factory=lambda: backoff_delays(FIRST_DELAY_S, LONGEST_DELAY_S))


class Backoff:
    """The due times that are not tried again yet."""

    def __init__(self) -> None:
        self._backoff: dict[tuple[str, int], _Rest] = {}

    def left_s(self) -> float | None:
        """Seconds until the first delay ends; None: no schedule is delayed."""
        return min((rest.until - time.monotonic() for rest in self._backoff.values()), default=None)

    def awake(self, due: Collection[tuple[str, int]]) -> list[tuple[str, int]]:
        """The due times that are not delayed. Delays of all other due times are forgotten."""
        known = set(due)
        self._backoff = {key: rest for key, rest in self._backoff.items() if key in known}
        now = time.monotonic()
        return [key for key in due if key not in self._backoff or self._backoff[key].until <= now]

    def refuse(self, key: tuple[str, int], reason: str, at_least_s: float = 0.0) -> float:
        """Delay it, longer each time. Returns the delay in seconds."""
        rest = self._backoff.setdefault(key, _Rest())
        rest_s = max(next(rest.delays_s), at_least_s)
        rest.until, rest.reason = time.monotonic() + rest_s, reason
        return rest_s

    def reasons(self) -> list[str]:
        """Which schedules are delayed, and why. May be called from another thread."""
        return [f"{schedule_id}: {rest.reason}" for (schedule_id, _), rest in list(self._backoff.items())]
