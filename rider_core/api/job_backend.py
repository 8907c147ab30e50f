"""The job port: what the house needs of a queue. RQ's lists carry the jobs, or a broker (`job_transport`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from rider_core.api.jobs import AnySpec, BatchItem, BatchSpec, DeadLetter, JobRecord, JobSpec
from rider_core.api.messages import Message


class QueueStats(Message):
    """Figures of one queue now."""

    queue: str
    waiting: int = Field(description="jobs that may start, all priorities")
    scheduled: int = Field(0, description="not yet due, those that rest before another attempt included")
    running: int = Field(description="jobs being worked on")
    failed: int = Field(description="dead letters")
    workers: int = Field(description="live workers that serve this queue")
    oldest_s: float | None = Field(None, description="how long the oldest of the waiting jobs has waited; None: none")


class Histogram(Message):
    """How long something took, counted in buckets since the ledger began."""

    bounds_s: tuple[float, ...] = Field(description="upper bounds of all buckets but the last, which has none")
    counts: tuple[int, ...] = Field(description="of each bucket")
    sum_s: float = Field(description="of all together")

    def since(self, before: Histogram) -> Histogram:
        """What came in addition to an earlier state of the same histogram."""
        counts = tuple(now - then for now, then in zip(self.counts, before.counts, strict=True))
        return Histogram(bounds_s=self.bounds_s, counts=counts, sum_s=self.sum_s - before.sum_s)

    def quantile_s(self, share: float) -> float | None:
        """The upper bound of the bucket in which that share (0 to 1) of all is reached; None where there was nothing.

        In the last bucket, which has none, it is that of the one before.
        """
        wanted, seen = share * sum(self.counts), 0
        for bound_s, number in zip((*self.bounds_s, self.bounds_s[-1]), self.counts, strict=True):
            seen += number
            if number and seen >= wanted:
                return bound_s
        return None


class TaskFigures(Message):
    """What has happened to a task's jobs since the ledger began. All of it only grows: take differences for rates."""

    task: str = Field(description="a name from `TASKS`, or 'unknown' for jobs that RQ's own tools made")
    queue: str = Field(description="where it waits; empty for 'unknown'")
    accepted: int = 0
    started: int = 0
    done: int = 0
    failed: int = Field(0, description="for good: dead letters")
    expired: int = 0
    replaced: int = 0
    cancelled: int = 0
    retried: int = 0
    requeued: int = 0
    returned: int = Field(0, description="starts that count no more: nothing was begun before the worker ended")
    discarded: int = Field(0, description="results that came after the lease was lost")
    withdrawn: int = Field(0, description="accepted, and taken back because the broker refused")
    waited: Histogram = Field(description="from the submission, or the due time, to the first start")
    ran: Histogram = Field(description="from each start to its end")
    took: Histogram = Field(description="from the submission to the result")

    def since(self, before: TaskFigures) -> TaskFigures:
        """What has happened since an earlier state of the same task's figures."""
        counted = {name: getattr(self, name) - getattr(before, name) for name in COUNTERS}
        histograms = {name: getattr(self, name).since(getattr(before, name)) for name in ("waited", "ran", "took")}
        return self.model_copy(update={**counted, **histograms})


#: The names of a task's counters.
COUNTERS = tuple(name for name, field in TaskFigures.model_fields.items() if field.annotation is int)


#: So many jobs may be submitted by one call: the ledger is busy with them for some 10 ms.
MAX_TOGETHER = 1_000


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
            QueueFull: too many jobs wait, or memory is short; it says when to try again.
            InvalidInput: the payload does not fit the task.
        """

    @abstractmethod
    def run(self, spec: JobSpec, timeout_s: float) -> JobRecord:
        """Submit a job and wait for its end: faster than one after the other. Raises what `submit` and `wait` do."""

    @abstractmethod
    def submit_many(self, specs: Sequence[AnySpec]) -> list[str]:
        """Accept up to `MAX_TOGETHER` jobs or batches in one round trip: all, or none where one does not fit.

        They are jobs like any others, each with a record of its own. Many payloads of one task that belong together
        are better a batch: that is one job.
        """

    @abstractmethod
    def submit_batch(self, spec: BatchSpec) -> str:
        """Accept many payloads of one task as one job. `get` tells how far it is, `batch_items` what came of each."""

    @abstractmethod
    def batch_items(self, job_id: str) -> list[BatchItem]:
        """What became of each item of a batch so far, in their order. Raises `JobNotFound`."""

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
    def wait_many(self, job_ids: Sequence[str], timeout_s: float) -> list[JobRecord]:
        """The records of several jobs once all have ended, in their order. Raises as `wait` does."""

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
    def figures(self) -> list[TaskFigures]:
        """What has happened so far to the jobs of every task."""

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
        """Put a dead letter back into its queue, with all its attempts again. False where it is none (any more).

        Its deadline counts no more. Of a batch, the items that are done stay done.
        """

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
