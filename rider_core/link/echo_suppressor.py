"""The robot's own voice in its microphone: what was recorded while a sound of ours played must not be answered.

While the robot plays, its microphone's sound waits, and afterwards up to 2.6 s of it come in a burst (seen with its own
code, with 46 to 76 pieces of 20 ms within 0.1 s). A robot cancels no echo, so what is in there is mostly itself.
"""

from __future__ import annotations

from collections.abc import Callable

#: The microphone sends every 20 ms; where it was silent for longer than this, it waited.
PAUSE_S = 0.5
#: What the robot keeps of it: 64 KiB in a pipe and half a second in the sound card.
BACKLOG_S = 2.6
#: It comes within that time; what comes later is said now.
BURST_S = 0.3
#: The robot plays somewhat longer than we reckon: the gaps between the pieces add up.
LATE_S = 2.0


class EchoSuppressor:
    """For the thread that takes the microphone's pieces."""

    def __init__(self, plays_until: Callable[[], float]) -> None:
        """
        Args:
            plays_until: Until when the robot plays what we sent (monotonic).
        """
        self._plays_until = plays_until
        self._last = float("inf")  # before the first piece there is no pause
        self._burst_ends = 0.0
        self._left_s = 0.0

    def is_echo(self, now: float, duration_s: float) -> bool:
        """Whether a piece of `duration_s` seconds that comes now was recorded while a sound of ours played."""
        if now - self._last > PAUSE_S and self._plays_until() + LATE_S > self._last:
            self._burst_ends, self._left_s = now + BURST_S, BACKLOG_S
        self._last = now
        if now >= self._burst_ends or self._left_s <= 0:
            return False
        self._left_s -= duration_s
        return True
