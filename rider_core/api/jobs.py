"""A job's life in types: what is asked for, what states it goes through, what comes out."""

from __future__ import annotations

import time
from enum import Enum
from typing import Any
from uuid import uuid4

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.errors import JobCancelled, JobExpired, JobFailed

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"


class Priority(str, Enum):
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class JobState(str, Enum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self not in (JobState.WAITING, JobState.RUNNING)


class RetryPolicy(Message):
    """How often a job is started. An error in its own data (`InvalidInput`) is never tried again."""

    max_attempts: int = Field(3, ge=1, le=20, description="starts in all, the first one included")


class JobSpec(Message):
    """A job as it is submitted: plain JSON, no code."""

    id: str = Field(default_factory=lambda: uuid4().hex, pattern=ID_PATTERN, description="submitting it twice is once")
    task: str = Field(max_length=64, description="a name from `rider_core.api.tasks.TASKS`")
    payload: dict[str, Any] = Field(description="what the task's request type says")
    provider: str | None = Field(None, max_length=64, description="a provider by name; None: the one in the settings")
    priority: Priority = Field(Priority.NORMAL, description="high goes before normal, normal before low")
    deadline_ts: float | None = Field(None, description="seconds since the epoch; afterwards it is not started")
    retry: RetryPolicy = Field(RetryPolicy(), description="what happens when an attempt fails")
    stream: bool = Field(False, description="partial results and states go into a stream of the job's own")
    origin: str = Field("", max_length=64, description="who asked: 'robot', 'cli', 'panel'")

    @property
    def expired(self) -> bool:
        return self.deadline_ts is not None and time.time() >= self.deadline_ts


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
    started_ts: float | None = Field(None, description="of the last attempt")
    ended_ts: float | None = None
    provider: str | None = Field(None, description="who did it")
    mock: bool = Field(False, description="the result is made up by a mock provider")
    result: dict[str, Any] | None = None
    problem: JobProblem | None = None

    def value(self) -> dict[str, Any]:
        """The result of a job that is done.

        Raises:
            JobFailed, JobExpired, JobCancelled: it ended otherwise.
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
        if self.state is JobState.CANCELLED:
            raise JobCancelled(f"job {self.id} ({self.task}) was cancelled: {reason}", remedy=remedy)
        cause = self.problem.code if self.problem else "error"
        raise JobFailed(f"job {self.id} ({self.task}) failed: {reason}", cause=cause, remedy=remedy)
