"""What a person has said to the robot, on its way through the link."""

from __future__ import annotations

import time
from typing import NamedTuple

from rider_core.metrics import UTTERANCE_SECONDS
from rider_core.tracing import record_span


class Turn(NamedTuple):
    """
    Attributes:
        trace_id: Made at the utterance's first sample. The transcript, the answer and its speech have it, too.
        began: When the utterance began (monotonic).
        speech_ended: When its speech ended (monotonic).
    """

    trace_id: str
    began: float
    speech_ended: float

    def reach(self, step: str, at: float | None = None) -> None:
        """The turn has reached a step of `rider_utterance_seconds`.

        Args:
            at: When (monotonic); None: now.
        """
        now = time.monotonic() if at is None else at
        UTTERANCE_SECONDS.labels(step).observe(max(0.0, now - self.speech_ended))

    @staticmethod
    def wall_ts(at: float) -> float:
        """A time of the monotonic clock in seconds since the epoch, to the millisecond."""
        return round(at + time.time() - time.monotonic(), 3)

    def record_span(self, name: str, start: float, end: float, *, root: bool = False, error: str = "") -> None:
        """Record a span between two times of the monotonic clock."""
        to_wall = time.time() - time.monotonic()
        record_span(self.trace_id, name, start + to_wall, end + to_wall, root=root, error=error)
