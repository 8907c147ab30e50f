"""What happens again and again, at a rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Periodic:
    """One action and its rate.

    Attributes:
        period_s: From one turn to the next.
        action: What is done.
        make_up: How many missed turns are made up for at most. A microphone goes on while nobody reads it; a gauge
            that was not read in time is read once.
    """

    period_s: float
    action: Callable[[], None]
    make_up: int = 1
    due: float | None = field(default=None, init=False)

    def run(self, now: float) -> float:
        """Do what is due at `now` (monotonic clock, in seconds) and return when it is due next."""
        if self.due is None:
            self.due = now
        turns = 0
        while self.due <= now and turns < self.make_up:
            self.action()
            self.due += self.period_s
            turns += 1
        if self.due <= now:
            self.due = now + self.period_s
        return self.due
