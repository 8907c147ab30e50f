"""An action that is repeated at a fixed period."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Periodic:
    """One action and its period.

    Attributes:
        period_s: From one call to the next, in seconds.
        action: The function that is called.
        make_up: The most missed calls that are made up for. A microphone goes on while it is not read; a gauge that was
            not read in time is read once.
    """

    period_s: float
    action: Callable[[], None]
    make_up: int = 1
    due: float | None = field(default=None, init=False)

    def run(self, now: float) -> float:
        """Call the action where it is due at `now` (monotonic, in seconds); returns when it is due next."""
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
