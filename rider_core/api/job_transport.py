"""The interface of the job transports: message brokers that carry jobs from the submitters to the workers.

The jobs' data and state are in the job store in Redis, whichever broker is used. So a broker may deliver a ticket
twice, late, or in another order, and no job runs more often than it should; it must not lose a confirmed ticket.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from rider_core.api.health import Health

#: Seconds without a `fetch` after which a worker counts as busy with a long job.
LONG_S = 0.1


def new_nonce() -> str:
    """Distinguishes two tickets of one job. No secret."""
    return f"{random.getrandbits(32):08x}"


class Ticket(NamedTuple):
    """The message of one job. The broker reads only what it needs for routing.

    Attributes:
        job_id: The message's id, too.
        lane: A queue of one priority: `text-high`, `text`, `text-low`.
        task: Such as `text.generate`.
        attempt: Starts of the job before this ticket was published. A ticket with fewer than in the job store is
            stale, and is dropped.
        alone: It must not be batched: it killed its worker once, or has only one attempt.
        submitted_ts: Seconds since the epoch, by which the oldest ticket gets its turn whatever its lane.
        body: The job as JSON, opaque to the broker.
        nonce: Eight random hexadecimal digits, different for each publication. The job store records the nonce of the
            ticket for which a job is leased.
    """

    job_id: str
    lane: str
    task: str
    attempt: int
    alone: bool
    submitted_ts: float
    body: bytes
    nonce: str

    def renewed(self, **changes: Any) -> Ticket:
        """Another ticket for the same job."""
        return self._replace(nonce=new_nonce(), **changes)


class Delivery(NamedTuple):
    """A ticket delivered to a worker, until it is settled or released.

    Attributes:
        redelivered: It was delivered to a worker before.
        connection: Number of its connection (`TicketConsumer.connection`). Where that one is closed, the broker
            delivers the ticket again.
        token: The consumer's own handle.
    """

    ticket: Ticket
    redelivered: bool
    connection: int
    token: Any


class TicketConsumer(ABC):
    """A worker's consumer of its lanes. Used from one thread; `settle`, `release` and `wake` from any thread.

    A lost connection is re-established in the background, with jittered back-off.

    While the worker is busy with a long job (`LONG_S`), no ticket waits for it: the consumer returns its tickets and
    those of `return_prefetched` to the broker, and receives none until the next `fetch`.
    """

    @property
    @abstractmethod
    def connection(self) -> int:
        """Number of the current connection, 0 without one; each new one has a higher number."""

    @abstractmethod
    def fetch(self, timeout_s: float) -> list[Delivery]:
        """The tickets since the last call, in order of arrival; waits up to `timeout_s` seconds for the first.

        After a long job, and over a new connection, it returns only after every lane with tickets has delivered one.

        An undecodable message is dead-lettered in the broker and logged.

        Raises:
            BackendUnavailable: there is no connection, and none was established within `timeout_s`.
        """

    @abstractmethod
    def set_prefetch(self, count: int) -> None:
        """Set the limit of unsettled deliveries of each lane; 1 at first. Cheap where it does not change."""

    @abstractmethod
    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge. Returns at once; deliveries of a lost connection are ignored, they are delivered again."""

    @abstractmethod
    def release(self, deliveries: Sequence[Delivery]) -> None:
        """Return them to the broker (nack with requeue). Returns at once."""

    @abstractmethod
    def wake(self) -> None:
        """End a waiting `fetch` in another thread."""

    @abstractmethod
    def close(self) -> None:
        """Send the last acknowledgements and close the connection, which returns all unsettled deliveries."""


class JobTransport(ABC):
    """A broker. Thread-safe; connects at the first use."""

    name: ClassVar[str]

    @abstractmethod
    def publish(self, tickets: Sequence[Ticket], delay_s: float = 0.0) -> None:
        """Publish with confirmation: returns when the broker has every ticket on disk.

        Args:
            delay_s: Least seconds until a worker gets them; the broker may round up by a tenth.

        Raises:
            BackendUnavailable: it was not confirmed. Some tickets may still have arrived.
        """

    @abstractmethod
    def consumer(
        self, lanes: Sequence[str], return_prefetched: Callable[[], Sequence[Delivery]] | None = None
    ) -> TicketConsumer:
        """A consumer for one worker.

        Args:
            return_prefetched: Called on a thread of the consumer when the worker is busy with a long job. It returns
                the worker's deliveries that it has not started, which the worker gives up. None: the worker keeps
                them, and receives up to the prefetch limit.
        """

    @abstractmethod
    def health(self) -> Health:
        """Whether the broker answers, with its name and version. Within 5 s."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""
