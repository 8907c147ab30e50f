"""The values that pass between a worker's threads: an attempt at a job that runs, and one that has ended."""

from __future__ import annotations

from typing import NamedTuple

from rider_core.jobs import AttemptResult, LeasedJob
from rider_core.timing import Stopwatch


class ActiveJob:
    """A job that this worker has leased. The main thread runs it, the heartbeat thread renews its lease.

    Attributes:
        begun: Started when an engine was last called for the job; None: not yet.
        over: The main thread has its result or its problem.
        unwanted: It was cancelled, or its lease was lost. Its result is not stored.
    """

    def __init__(self, leased: LeasedJob) -> None:
        self.leased = leased
        self.begun: Stopwatch | None = None
        self.over = False
        self.unwanted = False

    def begin(self) -> None:
        self.begun = Stopwatch.start()


class CompletedAttempt(NamedTuple):
    """The result of one attempt, with what the log says of it.

    Attributes:
        seconds: How long it ran; its share, where several jobs ran together.
    """

    ended: AttemptResult
    task: str
    seconds: float
