"""Drops the robot's own voice from its microphone stream: sound that was recorded while the robot played.

While the robot plays, its microphone's sound is buffered, and afterwards up to 2.6 s of it come in a burst (seen with
its own code: 46 to 76 chunks of 20 ms within 0.1 s). The robot has no echo cancellation, so this is mostly its own
voice.
"""

from __future__ import annotations

from collections.abc import Callable

#: A gap between two chunks that shows that the sound was buffered, in seconds. Normally a chunk comes every 20 ms.
PAUSE_S = 0.5
#: The robot's buffers, in seconds of sound: 64 KiB in a pipe and 0.5 s in the sound card.
BACKLOG_S = 2.6
#: The buffered sound arrives within this time, in seconds; later chunks are live.
BURST_S = 0.3
#: The robot plays up to this much longer than expected, in seconds: the gaps between the chunks add up.
LATE_S = 2.0


class EchoSuppressor:
    """Belongs to the thread that receives the microphone's chunks."""

    def __init__(self, plays_until: Callable[[], float]) -> None:
        """
        Args:
            plays_until: When the robot will have played everything that was sent (monotonic).
        """
        self._plays_until = plays_until
        self._last = float("inf")  # before the first chunk there is no pause
        self._burst_ends = 0.0
        self._left_s = 0.0

    def is_echo(self, now: float, duration_s: float) -> bool:
        """Whether a chunk of `duration_s` seconds that arrives now was recorded while the robot played."""
        if now - self._last > PAUSE_S and self._plays_until() + LATE_S > self._last:
            self._burst_ends, self._left_s = now + BURST_S, BACKLOG_S
        self._last = now
        if now >= self._burst_ends or self._left_s <= 0:
            return False
        self._left_s -= duration_s
        return True
