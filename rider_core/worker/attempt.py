"""The values that pass between a worker's threads: an attempt at a job that runs, and one that has ended."""

from __future__ import annotations

from typing import NamedTuple

from rider_core.jobs import AttemptResult, LeasedJob
from rider_core.timing import Stopwatch


class ActiveJob:
    """A job that this worker has leased. The main thread runs it, the heartbeat thread renews its lease.

    Attributes:
        engine_call: Started when an engine was last called for the job; None: not yet.
        ended: The main thread has its result or its problem.
        cancelled: It was cancelled, or its lease was lost. Its result is not stored.
    """

    def __init__(self, leased: LeasedJob) -> None:
        self.leased = leased
        self.engine_call: Stopwatch | None = None
        self.ended = False
        self.cancelled = False

    def start_engine_call(self) -> None:
        self.engine_call = Stopwatch.start()


class CompletedAttempt(NamedTuple):
    """The result of one attempt, with its task and run time for the log.

    Attributes:
        seconds: Its run time; its share of it where several jobs ran together.
        trace_id: Of the job.
    """

    result: AttemptResult
    task: str
    seconds: float
    trace_id: str
