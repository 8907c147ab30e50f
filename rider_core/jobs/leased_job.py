"""A job that a worker has leased, and the result of its attempt at it."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from rider_core.api.job_transport import Delivery
from rider_core.api.jobs import JobProblem
from rider_core.jobs.store.metadata import JobMetadata


class Outcome(str, Enum):
    """How an attempt ended."""

    DONE = "done"
    #: Another attempt may follow.
    FAILED = "failed"
    #: Another attempt would fail in the same way.
    PERMANENT = "permanent"
    EXPIRED = "expired"
    #: Not started: it is requeued, and no attempt is counted.
    RELEASED = "released"
    #: Not started, because the engine is not open yet: due again after `delay_s`, and no attempt is counted.
    POSTPONED = "postponed"


#: The outcomes of attempts that were not started.
NOT_STARTED = (Outcome.RELEASED, Outcome.POSTPONED)


class LeasedJob(NamedTuple):
    """One attempt at one job, held by this worker as long as it renews the lease.

    Attributes:
        id: The job's id.
        lane: Where it came from.
        task: Such as `text.generate`; empty for a job that RQ's own tools made.
        data: RQ's `data` field; `spec_from_data` reads it.
        attempt: 1 for the first start.
        execution: Names this attempt; only its holder may commit.
        metadata: A packed `JobMetadata`.
        started_ts: Seconds since the epoch, as the job store has it.
        delivery: The broker's delivery that it came with; None: there is no broker.
        prefetched: Leased at `started_ts` while the worker was busy, and not started.
    """

    id: str
    lane: str
    task: str
    data: bytes
    attempt: int
    execution: str
    metadata: str
    started_ts: float
    delivery: Delivery | None = None
    prefetched: bool = False

    @property
    def batchable(self) -> bool:
        """Whether it may run together with others; the same rule as `batchable` in `lua/leases.lua`."""
        return self.attempt == 1 and int(JobMetadata.unpack(self.metadata).max_attempts or 1) > 1

    @property
    def submitted_ts(self) -> float | None:
        """Seconds since the epoch; None: RQ's own tools made the job."""
        text = JobMetadata.unpack(self.metadata).submitted_ts
        return float(text) if text else None


class AttemptResult(NamedTuple):
    """
    Attributes:
        body: The result, or the problem, in JSON.
        delay_s: Delay before the next attempt, where outcome and policy allow one.
    """

    leased: LeasedJob
    outcome: Outcome
    body: str | bytes = ""
    provider: str = ""
    mock: bool = False
    traceback: str = ""
    delay_s: float = 0.0

    @classmethod
    def with_problem(cls, leased: LeasedJob, outcome: Outcome, problem: JobProblem, **more: Any) -> AttemptResult:
        return cls(leased, outcome, problem.model_dump_json(), **more)
