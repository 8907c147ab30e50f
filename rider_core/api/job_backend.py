"""The interface of the job backends. Jobs are transported by RQ's lists, or by a broker (`job_transport`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from rider_core.api.jobs import (
    AnySpec,
    BatchItem,
    BatchSpec,
    DeadLetter,
    JobDetails,
    JobPage,
    JobQuery,
    JobRecord,
    JobSpec,
)
from rider_core.api.messages import Message


class QueueStats(Message):
    """The current state of one queue."""

    queue: str
    waiting: int = Field(description="jobs that may start, all priorities")
    scheduled: int = Field(0, description="not yet due, jobs that wait for a retry included")
    running: int = Field(description="jobs being worked on")
    failed: int = Field(description="dead letters")
    workers: int = Field(description="live workers that serve this queue")
    paused: bool = Field(False, description="no worker takes its jobs")
    oldest_s: float | None = Field(None, description="age of the oldest waiting job, in seconds; None: none waits")


class Histogram(Message):
    """A histogram of durations since the job store was created."""

    bounds_s: tuple[float, ...] = Field(description="upper bounds of all buckets but the last, which has none")
    counts: tuple[int, ...] = Field(description="of each bucket")
    sum_s: float = Field(description="of all durations")

    def since(self, before: Histogram) -> Histogram:
        """The difference to an earlier state of the same histogram."""
        counts = tuple(now - then for now, then in zip(self.counts, before.counts, strict=True))
        return Histogram(bounds_s=self.bounds_s, counts=counts, sum_s=self.sum_s - before.sum_s)

    def quantile_s(self, share: float) -> float | None:
        """The upper bound of the bucket that contains this quantile (0 to 1); None for an empty histogram.

        For the last bucket, which has no bound, it is that of the one before.
        """
        wanted, seen = share * sum(self.counts), 0
        for bound_s, number in zip((*self.bounds_s, self.bounds_s[-1]), self.counts, strict=True):
            seen += number
            if number and seen >= wanted:
                return bound_s
        return None


class TaskFigures(Message):
    """Counters of a task's jobs since the job store was created. They only grow: take differences for rates."""

    task: str = Field(description="a name from `TASKS`, or 'unknown' for jobs that RQ's own tools made")
    queue: str = Field(description="its queue; empty for 'unknown'")
    accepted: int = 0
    started: int = 0
    done: int = 0
    failed: int = Field(0, description="for good: dead letters")
    expired: int = 0
    replaced: int = 0
    cancelled: int = 0
    retried: int = 0
    requeued: int = 0
    returned: int = Field(0, description="starts that were taken back: the worker ended before it called the engine")
    discarded: int = Field(0, description="results that arrived after the lease was lost")
    withdrawn: int = Field(0, description="accepted, and withdrawn because the broker refused")
    waited: Histogram = Field(description="from the submission, or the due time, to the first start")
    ran: Histogram = Field(description="from each start to its end")
    took: Histogram = Field(description="from the submission to the result")

    def since(self, before: TaskFigures) -> TaskFigures:
        """The difference to earlier figures of the same task."""
        counted = {name: getattr(self, name) - getattr(before, name) for name in COUNTERS}
        histograms = {name: getattr(self, name).since(getattr(before, name)) for name in ("waited", "ran", "took")}
        return self.model_copy(update={**counted, **histograms})


#: The names of a task's counters.
COUNTERS = tuple(name for name, field in TaskFigures.model_fields.items() if field.annotation is int)


#: Limit of jobs submitted by one call: Redis is busy with them for some 10 ms.
MAX_TOGETHER = 1_000


class JobBackend(ABC):
    """Queues jobs, and stores their state and results. Thread-safe.

    Every method raises `rider_core.errors.BackendUnavailable` where the server cannot be reached.
    """

    name: ClassVar[str]

    @abstractmethod
    def submit(self, spec: JobSpec) -> str:
        """Accept a job and return its id. Idempotent by id.

        Raises:
            JobRefused: the task is unknown.
            QueueFull: too many jobs wait, or memory is short; it has the time of the next try.
            InvalidInput: the payload does not fit the task.
        """

    @abstractmethod
    def run(self, spec: JobSpec, timeout_s: float) -> JobRecord:
        """Submit a job and wait for its end: faster than two calls. Raises as `submit` and `wait` do."""

    @abstractmethod
    def submit_many(self, specs: Sequence[AnySpec]) -> list[str]:
        """Accept up to `MAX_TOGETHER` jobs or batches in one round trip: all, or none where one is invalid.

        Each has a record of its own. For many payloads of one task that belong together use a batch, which is one job.
        """

    @abstractmethod
    def submit_batch(self, spec: BatchSpec) -> str:
        """Accept many payloads of one task as one job. `get` has its progress, `batch_items` the items' outcomes."""

    @abstractmethod
    def batch_items(self, job_id: str) -> list[BatchItem]:
        """The outcome of each item of a batch so far, in order. Raises `JobNotFound`."""

    @abstractmethod
    def get(self, job_id: str) -> JobRecord:
        """The job's record. Raises `JobNotFound`."""

    @abstractmethod
    def details(self, job_id: str) -> JobDetails:
        """The job's record with what was submitted. Raises `JobNotFound`."""

    @abstractmethod
    def payload_bytes(self, job_id: str) -> int:
        """Size of what was submitted, as it is stored, in bytes; 0: it is deleted, or the job is unknown."""

    @abstractmethod
    def list_jobs(self, query: JobQuery) -> JobPage:
        """One page of the jobs in a state.

        A page looks at some thousand jobs at most: where the filters let few of them through, it has fewer than
        `query.limit`, or none, and still a next one. No job is left out between two pages; where jobs change their
        places meanwhile, or the last one of a page is cancelled, some may come twice.

        Raises:
            JobRefused: there is no such queue.
            InvalidInput: the cursor is not from a page of the same state.
        """

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
        """Cancel a job. False where it has ended already, or is unknown.

        A running job counts as cancelled at once: its result is discarded, and a provider that streams is stopped at
        its next piece.
        """

    @abstractmethod
    def stats(self) -> list[QueueStats]:
        """The state of every queue."""

    @abstractmethod
    def figures(self) -> list[TaskFigures]:
        """The counters of every task."""

    @abstractmethod
    def capacity(self) -> dict[str, int]:
        """For each task, the number of live workers that can run it; 0 while its queue is paused."""

    @abstractmethod
    def pause(self, queue: str) -> bool:
        """Let no worker take jobs of a queue until `resume`. False: it is paused already.

        Jobs are accepted as before, and wait. Those that a worker has already are run, their retries are not. Within
        1 s no worker takes another one.

        Raises:
            JobRefused: there is no such queue.
        """

    @abstractmethod
    def resume(self, queue: str) -> bool:
        """Let workers take the jobs of a queue again. False: it is not paused. Raises `JobRefused` as `pause` does."""

    @abstractmethod
    def dead_letters(self, queue: str, limit: int, offset: int = 0) -> list[DeadLetter]:
        """Dead letters of a queue, the latest first: `limit` at most, after the first `offset`.

        Raises:
            JobRefused: there is no such queue.
        """

    @abstractmethod
    def dead_letter(self, job_id: str) -> DeadLetter:
        """One dead letter. Raises `JobNotFound` where the job is unknown or has not failed."""

    @abstractmethod
    def requeue(self, job_id: str) -> bool:
        """Put a dead letter back into its queue, with all its attempts again. False where it is no dead letter.

        Its deadline is dropped. Items of a batch that are done stay done.
        """

    @abstractmethod
    def requeue_all(self, queue: str) -> int:
        """Requeue every dead letter of a queue; returns their number. Raises `JobRefused` for an unknown queue."""

    @abstractmethod
    def purge(self, job_id: str) -> bool:
        """Delete a dead letter. False where it is no dead letter."""

    @abstractmethod
    def purge_all(self, queue: str) -> int:
        """Delete every dead letter of a queue; returns their number. Raises `JobRefused` for an unknown queue."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""
