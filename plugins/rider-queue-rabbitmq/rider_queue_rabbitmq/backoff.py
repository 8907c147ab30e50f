"""The delay before the next attempt to connect."""

from __future__ import annotations

import random

_FIRST_S = 0.1
#: Longest delay in seconds. With a connection limit of 5 s, a worker notices within 10 s that RabbitMQ is back; a
#: hundred workers make 20 attempts a second.
_LONGEST_S = 5.0


class Backoff:
    """Doubled each time, with random jitter down to a half, so that workers do not all reconnect at once."""

    def __init__(self) -> None:
        self._next_s = _FIRST_S

    def next_s(self) -> float:
        """Seconds to wait now: 0.05 to 5."""
        wait_s = self._next_s * random.uniform(0.5, 1.0)
        self._next_s = min(2 * self._next_s, _LONGEST_S)
        return wait_s

    def reset(self) -> None:
        self._next_s = _FIRST_S
