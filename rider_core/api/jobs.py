"""A job's life in types: what is asked for, what states it goes through, what comes out."""

from __future__ import annotations

import random
import time
from enum import Enum
from typing import Any
from uuid import uuid4

from pydantic import Field, model_validator

from rider_core.api.messages import Message
from rider_core.errors import JobCancelled, JobExpired, JobFailed

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"


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
        return self not in (JobState.SCHEDULED, JobState.WAITING, JobState.RUNNING)


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


class JobSpec(Message):
    """A job as it is submitted: plain JSON, no code."""

    id: str = Field(default_factory=lambda: uuid4().hex, pattern=ID_PATTERN, description="submitting it twice is once")
    task: str = Field(max_length=64, description="a name from `rider_core.api.tasks.TASKS`")
    payload: dict[str, Any] = Field(description="what the task's request type says")
    provider: str | None = Field(None, max_length=64, description="a provider by name; None: the one in the settings")
    priority: Priority = Field(Priority.NORMAL, description="high goes before normal, normal before low")
    due_ts: float | None = Field(None, description="seconds since the epoch; it is not started before")
    deadline_ts: float | None = Field(None, description="seconds since the epoch; afterwards it is not started")
    newest_key: str | None = Field(
        None, pattern=ID_PATTERN, description="of the task's queue's waiting jobs with one key only the newest stays"
    )
    retry: RetryPolicy | None = Field(None, description="what happens when an attempt fails; None: what the task says")
    stream: bool = Field(False, description="partial results and states go into a stream of the job's own")
    origin: str = Field("", max_length=64, description="who asked: 'robot', 'cli', 'panel'")

    @property
    def expired(self) -> bool:
        return self.deadline_ts is not None and time.time() >= self.deadline_ts

    @model_validator(mode="after")
    def _due_before_deadline(self) -> JobSpec:
        if self.due_ts is not None and self.deadline_ts is not None and self.due_ts >= self.deadline_ts:
            raise ValueError(f"due_ts {self.due_ts} is not before deadline_ts {self.deadline_ts}: it would never run")
        return self


class JobProblem(Message):
    """Why a job did not succeed."""

    code: str = Field(description="`code` of an error class in `rider_core.errors`, or 'crashed' or 'lost'")
    message: str = Field(description="for a person")
    remedy: str | None = Field(None, description="what to do about it")


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
    result: dict[str, Any] | None = None
    problem: JobProblem | None = None

    def value(self) -> dict[str, Any]:
        """The result of a job that is done.

        Raises:
            JobFailed, JobExpired, JobCancelled: it ended otherwise; a job that was replaced counts as cancelled.
            ValueError: it has not ended.
        """
        if self.state is JobState.DONE and self.result is not None:
            return self.result
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
    spec: JobSpec | None = Field(description="what was asked for; None where it is not in our form")
    traceback: str = Field("", description="of the last attempt, where the provider raised")
