"""A job's life in types: what is asked for, what states it goes through, what comes out."""

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
#: One batch is one message, one hash and one lease: what is larger is better submitted in pieces.
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
    """How often a job is started, and how long it rests in between.

    An error in its own data (`InvalidInput`) is never tried again. A job whose worker died rests not at all: the time
    until that was noticed was rest enough.
    """

    max_attempts: int = Field(3, ge=1, le=20, description="starts in all, the first one included")
    first_delay_s: float = Field(0.5, ge=0, le=3_600, description="rest after the first failure; doubled after each")
    max_delay_s: float = Field(60.0, ge=0, le=86_400, description="no rest is longer")

    def delay_s(self, attempt: int) -> float:
        """Seconds to rest after this attempt (1 is the first), with jitter: half of it is left to chance.

        See `rider_core.timing.backoff_delays` for where that comes from.
        """
        ceiling_s = min(self.max_delay_s, self.first_delay_s * 2.0 ** (attempt - 1))
        return random.uniform(ceiling_s / 2, ceiling_s)


class JobOrder(Message):
    """What single jobs and batches have in common. Plain JSON, no code."""

    id: str = Field(
        default_factory=lambda: token_hex(16), pattern=ID_PATTERN, description="submitting it twice is once"
    )
    task: str = Field(max_length=64, description="a name from `rider_core.api.tasks.TASKS`")
    provider: str | None = Field(None, max_length=64, description="a provider by name; None: the one in the settings")
    priority: Priority = Field(Priority.NORMAL, description="high goes before normal, normal before low")
    due_ts: float | None = Field(None, description="seconds since the epoch; it is not started before")
    deadline_ts: float | None = Field(None, description="seconds since the epoch; afterwards it is not started")
    retry: RetryPolicy | None = Field(None, description="what happens when an attempt fails; None: what the task says")
    origin: str = Field("", max_length=64, description="who asked: 'robot', 'cli', 'panel'")

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
        """How many a batch has; 0: it is no batch."""
        return 0

    @model_validator(mode="after")
    def _due_before_deadline(self) -> Self:
        if self.due_ts is not None and self.deadline_ts is not None and self.due_ts >= self.deadline_ts:
            raise ValueError(f"due_ts {self.due_ts} is not before deadline_ts {self.deadline_ts}: it would never run")
        return self


class JobSpec(JobOrder):
    """A job as it is submitted."""

    payload: dict[str, Any] = Field(description="what the task's request type says")
    newest_key: str | None = Field(
        None, pattern=ID_PATTERN, description="of the task's queue's waiting jobs with one key only the newest stays"
    )
    stream: bool = Field(False, description="partial results and states go into a stream of the job's own")

    @property
    def streams(self) -> bool:
        return self.stream

    @property
    def newest(self) -> str | None:
        return self.newest_key


class BatchSpec(JobOrder):
    """Many payloads of one task as one job: one entry in the queue, one lease, one record.

    Each item has its own outcome, which is there as soon as it is known. When an attempt ends, the items that failed
    are tried again, those that are done are not.
    """

    payloads: list[dict[str, Any]] = Field(
        min_length=1, max_length=MAX_BATCH_ITEMS, description="each what the task's request type says"
    )

    @property
    def items(self) -> int:
        return len(self.payloads)


#: Whatever may be submitted.
AnySpec: TypeAlias = JobSpec | BatchSpec


class JobProblem(Message):
    """Why a job did not succeed."""

    code: str = Field(description="`code` of an error class in `rider_core.errors`, or 'crashed' or 'lost'")
    message: str = Field(description="for a person")
    remedy: str | None = Field(None, description="what to do about it")


class Progress(Message):
    """How far a batch is."""

    total: int = Field(description="items")
    done: int = Field(description="items with a result")
    failed: int = Field(description="items whose last attempt failed")


@dataclass(frozen=True, slots=True)
class BatchItem:
    """What became of one item of a batch; neither result nor problem: nothing yet."""

    result: dict[str, Any] | None = None
    problem: JobProblem | None = None


class JobRecord(Message):
    """A job as the backend knows it now. Times are seconds since the epoch."""

    id: str
    task: str
    state: JobState
    queue: str
    priority: Priority
    origin: str = ""
    attempts: int = Field(0, description="starts so far")
    submitted_ts: float
    due_ts: float | None = Field(None, description="when a scheduled job may start")
    started_ts: float | None = Field(None, description="of the last attempt")
    ended_ts: float | None = None
    provider: str | None = Field(None, description="who did it")
    mock: bool = Field(False, description="the result is made up by a mock provider")
    progress: Progress | None = Field(None, description="of a batch")
    result: dict[str, Any] | None = Field(None, description="of a single job; a batch has one for each item")
    problem: JobProblem | None = None

    def value(self) -> dict[str, Any]:
        """The result of a job that is done; empty for a batch, whose items have their own.

        Raises:
            JobFailed, JobExpired, JobCancelled: it ended otherwise; a job that was replaced counts as cancelled.
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


class DeadLetter(Message):
    """A job that failed for good, with everything that helps to find out why."""

    record: JobRecord
    spec: AnySpec | None = Field(description="what was asked for; None where it is not in our form")
    traceback: str = Field("", description="of the last attempt, where the provider raised")

    @property
    def payload(self) -> dict[str, Any]:
        """What was asked for; of a batch its first item, and nothing of a job that is not in our form."""
        if isinstance(self.spec, BatchSpec):
            return self.spec.payloads[0]
        return self.spec.payload if self.spec else {}
