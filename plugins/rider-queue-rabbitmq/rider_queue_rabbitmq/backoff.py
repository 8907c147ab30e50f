"""How long to wait before the next attempt at connecting."""

from __future__ import annotations

import random

_FIRST_S = 0.1
#: RabbitMQ is back for ten seconds at most before a worker notices; a hundred workers are 20 attempts a second.
_LONGEST_S = 5.0


class Backoff:
    """Twice as long each time, less up to a half by chance, so that workers do not all come at once."""

    def __init__(self) -> None:
        self._next_s = _FIRST_S

    def next_s(self) -> float:
        """Seconds to wait now: 0.05 to 5."""
        wait_s = self._next_s * random.uniform(0.5, 1.0)
        self._next_s = min(2 * self._next_s, _LONGEST_S)
        return wait_s

    def reset(self) -> None:
        self._next_s = _FIRST_S
