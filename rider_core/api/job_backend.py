"""The job port: what the house needs of a queue. RQ is the adapter in the core, RabbitMQ will be a plugin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from rider_core.api.jobs import DeadLetter, JobRecord, JobSpec
from rider_core.api.messages import Message


class QueueStats(Message):
    """Figures of one queue now."""

    queue: str
    waiting: int = Field(description="jobs that may start, all priorities")
    scheduled: int = Field(0, description="not yet due, those that rest before another attempt included")
    running: int = Field(description="jobs being worked on")
    failed: int = Field(description="dead letters")
    workers: int = Field(description="live workers that serve this queue")


class JobBackend(ABC):
    """Where jobs wait, and where their state and results are kept. All methods may be called from several threads.

    Every method raises `rider_core.errors.BackendUnavailable` where the server cannot be reached.
    """

    name: ClassVar[str]

    @abstractmethod
    def submit(self, spec: JobSpec) -> str:
        """Accept a job and return its id. The same id twice is accepted once.

        Raises:
            JobRefused: the task is unknown.
            InvalidInput: the payload does not fit the task.
        """

    @abstractmethod
    def submit_many(self, specs: Sequence[JobSpec]) -> list[str]:
        """Accept several in one round trip: all of them, or none where one does not fit."""

    @abstractmethod
    def get(self, job_id: str) -> JobRecord:
        """What is known of the job. Raises `JobNotFound`."""

    @abstractmethod
    def recent(self, limit: int) -> list[JobRecord]:
        """The jobs that ended last, newest first."""

    @abstractmethod
    def wait(self, job_id: str, timeout_s: float) -> JobRecord:
        """The record once the job has ended. Raises `JobNotFound`, or `WaitTimeout` after `timeout_s` seconds."""

    @abstractmethod
    def cancel(self, job_id: str) -> bool:
        """End a job. False where it had ended before, or was never known.

        A running one counts as cancelled at once: what it still brings is discarded, and a provider that streams is
        stopped at its next piece.
        """

    @abstractmethod
    def stats(self) -> list[QueueStats]:
        """Figures of every queue."""

    @abstractmethod
    def capacity(self) -> dict[str, int]:
        """For each task, how many live workers say that they can do it."""

    @abstractmethod
    def dead_letters(self, queue: str, limit: int, offset: int = 0) -> list[DeadLetter]:
        """Jobs of a queue that failed for good, the latest first: `limit` at most, after the first `offset`.

        Raises:
            JobRefused: there is no such queue.
        """

    @abstractmethod
    def dead_letter(self, job_id: str) -> DeadLetter:
        """One of them. Raises `JobNotFound` where the job is unknown or has not failed."""

    @abstractmethod
    def requeue(self, job_id: str) -> bool:
        """Put a dead letter back into its queue, with all its attempts again. False where it is none (any more)."""

    @abstractmethod
    def requeue_all(self, queue: str) -> int:
        """Put every dead letter of a queue back. How many there were. Raises `JobRefused` for an unknown queue."""

    @abstractmethod
    def purge(self, job_id: str) -> bool:
        """Forget a dead letter. False where it is none (any more)."""

    @abstractmethod
    def purge_all(self, queue: str) -> int:
        """Forget every dead letter of a queue. How many there were. Raises `JobRefused` for an unknown queue."""

    @abstractmethod
    def close(self) -> None:
        """Give connections back."""
