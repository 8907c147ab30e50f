"""The port between the job store and what carries jobs to workers: RQ's lists in Redis, or a message broker.

The job store writes records and leases in Redis whichever transport is used. A transport says where jobs wait (with Lua
of its own in the store's library), and how a worker gets the next one (`JobSource`). What only one kind of transport
can do has an interface of its own: `Publisher`, `PipeliningSource`, `AcknowledgingSource`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import redis

from rider_core.api.jobs import AnySpec
from rider_core.jobs.leased_job import AttemptResult, LeasedJob
from rider_core.jobs.store.listing import WaitingJob
from rider_core.jobs.store.worker_session import WorkerSession
from rider_core.redis_functions import Command, ConnectionPool, Library


class Transport(ABC):
    """One way in which jobs get from the store to workers.

    Attributes:
        name: As the setting TASK_QUEUE_BACKEND has it.
    """

    name: str

    @property
    @abstractmethod
    def library(self) -> Library:
        """The job store's Redis functions with those of this transport."""

    @abstractmethod
    def waiting_commands(self, lane: str) -> tuple[Command, Command]:
        """Redis commands for the number of jobs that wait in a lane, and for a list with the id of the first."""

    @abstractmethod
    def waiting_after(
        self, connection: redis.Redis, lane: str, last: WaitingJob | None, count: int
    ) -> list[WaitingJob]:
        """Waiting jobs of a lane in their order, `count` at most.

        Args:
            last: After this one, which may not wait any more; None: from the beginning.
        """

    @abstractmethod
    def source(self, connection: redis.Redis, session: WorkerSession) -> JobSource:
        """The source from which a worker gets its jobs."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""


class Publisher(ABC):
    """A transport that must be sent the jobs that the store has accepted. RQ's lists are not: `submit` fills them."""

    @abstractmethod
    def publish_accepted(
        self, pool: ConnectionPool, specs: Sequence[tuple[AnySpec, bytes]], answers: Sequence[int], now: float
    ) -> None:
        """Publish jobs that the store has accepted.

        Args:
            specs: With their data.
            answers: What `submit` answered for each.

        Raises:
            BackendUnavailable: the broker did not take them; their acceptance is undone.
        """

    @abstractmethod
    def publish_requeued(self, hashes: Sequence[tuple[str, dict[bytes, bytes]]]) -> None:
        """Publish dead letters that were requeued: their ids and hashes."""


class JobSource(ABC):
    """Gets jobs for one worker. For one thread at a time."""

    @abstractmethod
    def dequeue(self, limits: Mapping[str, int]) -> list[LeasedJob]:
        """See `JobConsumer.dequeue`."""

    @abstractmethod
    def dequeue_more(self, lane: str, task: str, number: int) -> list[LeasedJob]:
        """See `JobConsumer.dequeue_more`."""

    @abstractmethod
    def wait(self, timeout_s: float) -> bool:
        """Wait for a job, at most `timeout_s` seconds. True: there may be one."""

    @abstractmethod
    def close(self) -> None:
        """Give back deliveries that are held and not leased, and close the connections."""


class PipeliningSource(JobSource):
    """A source that leases jobs in the round trip that commits results, and by direct dispatch."""

    @abstractmethod
    def commit_and_dequeue(
        self, results: Sequence[AttemptResult], limits: Mapping[str, int]
    ) -> tuple[list[bool], list[LeasedJob]]:
        """See `JobConsumer.commit_and_dequeue`."""

    @abstractmethod
    def prefetch(
        self,
        results: Sequence[AttemptResult],
        started: Sequence[LeasedJob],
        limits: Mapping[str, int] | None,
        on_sent: Callable[[], None],
    ) -> tuple[list[bool], list[LeasedJob]]:
        """See `JobConsumer.prefetch`."""

    @abstractmethod
    def stop_accepting(self) -> list[LeasedJob]:
        """See `JobConsumer.stop_accepting`."""


class AcknowledgingSource(JobSource):
    """A source whose deliveries must be acknowledged, and whose broker may lose some."""

    @abstractmethod
    def ack(self, leased_jobs: Sequence[LeasedJob]) -> None:
        """Acknowledge the deliveries of these jobs."""

    @abstractmethod
    def nack(self, leased_jobs: Sequence[LeasedJob]) -> None:
        """Return the deliveries of these jobs to the broker, for other workers."""

    @abstractmethod
    def settle(self, results: Sequence[AttemptResult], answers: Sequence[int]) -> None:
        """Acknowledge the deliveries of these results; those that wait for another attempt are published first.

        Args:
            answers: What `finish` answered for each.
        """

    @abstractmethod
    def publish_again(self, ids: Sequence[str]) -> None:
        """Publish new tickets for these jobs, which wait again."""

    @abstractmethod
    def is_drained(self) -> bool:
        """Whether no delivery is on its way, for a worker that got no job and would end."""
