"""Durations and waiting: back-off with jitter, a stopwatch, and detection of clock changes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


def backoff_delays(first_s: float, limit_s: float, *, factor: float = 2.0) -> Iterator[float]:
    """Endless delays between attempts, in seconds.

    "Full jitter" after AWS's *Exponential Backoff And Jitter* (2015), with a floor of half the ceiling: clients of a
    restarted server do not reconnect at the same time, and none retries without a pause.
    """
    ceiling_s = first_s
    while True:
        yield random.uniform(ceiling_s / 2, ceiling_s)
        ceiling_s = min(limit_s, ceiling_s * factor)


def ended_within(thread: threading.Thread, limit_s: float) -> bool:
    """Wait until a thread has ended, at most `limit_s` seconds. False: it has not.

    `Thread.join` with a timeout does the same, except where eventlet has patched Python 3.13: there it raises
    eventlet's `Timeout`, which is no `Exception`.
    """
    end = time.monotonic() + limit_s
    while thread.is_alive():
        if time.monotonic() >= end:
            return False
        time.sleep(0.01)
    return True


@dataclass(slots=True)
class Stopwatch:
    """Measures on the monotonic clock from its creation."""

    started: float

    @classmethod
    def start(cls) -> Stopwatch:
        return cls(time.monotonic())

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started

    @property
    def elapsed_ms(self) -> float:
        return self.elapsed_s * 1000


class ClockWatch:
    """Detects that the machine's clock was set, or that the machine slept."""

    #: Smaller differences are drift, not a jump, in seconds.
    TOLERANCE_S = 2.0

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()

    def jumped_s(self) -> float:
        """Seconds that the clock has jumped since the last jump; negative: back; 0: no jump.

        Small steps in one direction add up to a jump.
        """
        offset = self._wall() - self._steady()
        jump = offset - self._offset
        if abs(jump) <= self.TOLERANCE_S:
            return 0.0
        self._offset = offset
        return jump
