"""The types of jobs: specs, states, records and results."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from enum import Enum
from secrets import token_hex
from typing import Any, TypeAlias

from pydantic import Field, model_validator
from typing_extensions import Self

from rider_core.api.messages import Message
from rider_core.errors import JobCancelled, JobExpired, JobFailed

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
#: As in W3C Trace Context.
TRACE_PATTERN = r"^[0-9a-f]{32}$"
#: Limit of a batch's items. A batch is one message, one hash and one lease, so larger ones must be split.
MAX_BATCH_ITEMS = 10_000


class Priority(str, Enum):
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class JobState(str, Enum):
    SCHEDULED = "scheduled"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REPLACED = "replaced"

    @property
    def ended(self) -> bool:
        return self not in _NOT_ENDED


_NOT_ENDED = frozenset({JobState.SCHEDULED, JobState.WAITING, JobState.RUNNING})


class RetryPolicy(Message):
    """How often a job is started, and the delays between attempts.

    Invalid input (`InvalidInput`) is never retried. A job whose worker died is retried without a delay: the detection
    of the death took long enough.
    """

    max_attempts: int = Field(3, ge=1, le=20, description="starts in all, the first one included")
    first_delay_s: float = Field(0.5, ge=0, le=3_600, description="delay after the first failure; doubled after each")
    max_delay_s: float = Field(60.0, ge=0, le=86_400, description="longest delay")

    def delay_s(self, attempt: int) -> float:
        """Delay in seconds after this attempt (1 is the first), with jitter: half of it is random.

        See `rider_core.timing.backoff_delays` for the source.
        """
        ceiling_s = min(self.max_delay_s, self.first_delay_s * 2.0 ** (attempt - 1))
        return random.uniform(ceiling_s / 2, ceiling_s)


class JobOrder(Message):
    """The common fields of single jobs and batches. Plain JSON, no code."""

    id: str = Field(
        default_factory=lambda: token_hex(16), pattern=ID_PATTERN, description="unique; submission is idempotent by id"
    )
    task: str = Field(max_length=64, description="a name from `rider_core.api.tasks.TASKS`")
    provider: str | None = Field(None, max_length=64, description="a provider by name; None: the one in the settings")
    priority: Priority = Field(Priority.NORMAL, description="high goes before normal, normal before low")
    due_ts: float | None = Field(None, description="seconds since the epoch; it is not started before")
    deadline_ts: float | None = Field(None, description="seconds since the epoch; afterwards it is not started")
    retry: RetryPolicy | None = Field(None, description="after failed attempts; None: the task's policy")
    origin: str = Field("", max_length=64, description="submitter: 'robot', 'cli', 'panel'")
    trace_id: str | None = Field(
        None,
        pattern=TRACE_PATTERN,
        description="id of all that belongs together: an utterance, its answer, the speech; None: the job's own id",
    )

    @property
    def expired(self) -> bool:
        return self.deadline_ts is not None and time.time() >= self.deadline_ts

    @property
    def streams(self) -> bool:
        return False

    @property
    def newest(self) -> str | None:
        return None

    @property
    def items(self) -> int:
        """Number of a batch's items; 0: no batch."""
        return 0

    @model_validator(mode="after")
    def _due_before_deadline(self) -> Self:
        if self.due_ts is not None and self.deadline_ts is not None and self.due_ts >= self.deadline_ts:
            raise ValueError(f"due_ts {self.due_ts} is not before deadline_ts {self.deadline_ts}: it would never run")
        return self


class JobSpec(JobOrder):
    """A job as it is submitted."""

    payload: dict[str, Any] = Field(description="the task's request type")
    newest_key: str | None = Field(
        None, pattern=ID_PATTERN, description="coalescing key: of a queue's waiting jobs with one key the newest stays"
    )
    stream: bool = Field(False, description="publish partial results and states in a stream of the job's own")

    @property
    def streams(self) -> bool:
        return self.stream

    @property
    def newest(self) -> str | None:
        return self.newest_key


class BatchSpec(JobOrder):
    """Many payloads of one task as one job: one entry in the queue, one lease, one record.

    Each item has its own outcome, stored as soon as it is known. A retry runs only the items that failed.
    """

    payloads: list[dict[str, Any]] = Field(
        min_length=1, max_length=MAX_BATCH_ITEMS, description="each of the task's request type"
    )

    @property
    def items(self) -> int:
        return len(self.payloads)


#: Everything that can be submitted.
AnySpec: TypeAlias = JobSpec | BatchSpec


class JobProblem(Message):
    """Why a job failed."""

    code: str = Field(description="`code` of an error class in `rider_core.errors`, or 'crashed' or 'lost'")
    message: str = Field(description="for people")
    remedy: str | None = Field(None, description="what to do about it")


class Progress(Message):
    """Progress of a batch."""

    total: int = Field(description="items")
    done: int = Field(description="items with a result")
    failed: int = Field(description="items whose last attempt failed")


@dataclass(frozen=True, slots=True)
class BatchItem:
    """The outcome of one item of a batch; without result and problem: none yet."""

    result: dict[str, Any] | None = None
    problem: JobProblem | None = None


class JobRecord(Message):
    """The current state of a job. Times are seconds since the epoch."""

    id: str
    task: str
    state: JobState
    queue: str
    priority: Priority
    origin: str = ""
    trace_id: str = Field("", description="id of all that belongs together; where none was given, the job's own")
    attempts: int = Field(0, description="starts so far")
    submitted_ts: float
    due_ts: float | None = Field(None, description="when a scheduled job may start")
    started_ts: float | None = Field(None, description="of the last attempt")
    ended_ts: float | None = None
    provider: str | None = Field(None, description="the provider that ran it")
    mock: bool = Field(False, description="the result comes from a mock provider")
    progress: Progress | None = Field(None, description="of a batch")
    result: dict[str, Any] | None = Field(None, description="of a single job; a batch has one for each item")
    problem: JobProblem | None = None

    def value(self) -> dict[str, Any]:
        """The result of a job that is done; empty for a batch, whose items have their own.

        Raises:
            JobFailed, JobExpired, JobCancelled: it ended without success; a replaced job counts as cancelled.
            ValueError: it has not ended.
        """
        if self.state is JobState.DONE:
            return self.result or {}
        if not self.state.ended:
            raise ValueError(f"job {self.id} is still {self.state.value}")
        reason = self.problem.message if self.problem else "no reason was recorded"
        remedy = self.problem.remedy if self.problem else None
        if self.state is JobState.EXPIRED:
            raise JobExpired(f"job {self.id} ({self.task}) expired: {reason}", remedy=remedy)
        if self.state is JobState.REPLACED:
            raise JobCancelled(f"job {self.id} ({self.task}) was replaced by a newer one before it could start")
        if self.state is JobState.CANCELLED:
            raise JobCancelled(f"job {self.id} ({self.task}) was cancelled: {reason}", remedy=remedy)
        cause = self.problem.code if self.problem else "error"
        raise JobFailed(f"job {self.id} ({self.task}) failed: {reason}", cause=cause, remedy=remedy)


class JobDetails(Message):
    """A job with what was submitted, and with what helps to find the cause where it failed."""

    record: JobRecord
    spec: AnySpec | None = Field(description="as submitted; None where it cannot be decoded, or is deleted")
    traceback: str = Field("", description="of the last attempt, where the provider raised")

    @property
    def payload(self) -> dict[str, Any]:
        """The payload; of a batch its first item; empty where the spec cannot be decoded."""
        if isinstance(self.spec, BatchSpec):
            return self.spec.payloads[0]
        return self.spec.payload if self.spec else {}


class DeadLetter(JobDetails):
    """A job that failed permanently."""


class JobQuery(Message):
    """Which jobs to list.

    Waiting and scheduled jobs come in the order in which they will run, ended ones the latest first.
    """

    state: JobState | None = Field(None, description="jobs in this state; None: those that ended last, on one page")
    queue: str | None = Field(None, max_length=64, description="of this queue; None: of all")
    task: str | None = Field(None, max_length=64, description="of this task")
    origin: str | None = Field(None, max_length=64, description="of this submitter")
    provider: str | None = Field(None, max_length=64, description="that this provider ran")
    search: str = Field("", max_length=200, description="text in the id, the trace id or the error")
    cursor: str = Field("", max_length=400, description="`next` of the page before; empty: the first page")
    limit: int = Field(50, ge=1, le=200, description="largest number of jobs in the page")

    def selects(self, record: JobRecord) -> bool:
        """Whether the filters, apart from queue and state, let this job through."""
        return (
            self.task in (None, record.task)
            and self.origin in (None, record.origin)
            and self.provider in (None, record.provider)
            and (not self.search or self.search.lower() in _searched(record).lower())
        )


class JobPage(Message):
    """One page of a list of jobs. It has no results: they may be large."""

    jobs: tuple[JobRecord, ...]
    next: str | None = Field(description="cursor of the next page; None: this is the last one")
    total: int = Field(description="jobs in this state in these queues, whatever the other filters are")


def _searched(record: JobRecord) -> str:
    problem = record.problem
    return "\n".join((record.id, record.trace_id, *((problem.code, problem.message) if problem else ())))
