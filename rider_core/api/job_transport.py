"""The transport port: a message broker that carries jobs from those who accept them to the workers that run them.

What a job is, and what became of it, stands in the ledger in Redis, whichever broker is used. So a broker may deliver a
ticket twice, late, or in another order, and still no job runs more often than it should; it may not lose a ticket that
it confirmed.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from rider_core.api.health import Health

#: A worker that has not asked for tickets for so many seconds is busy with something long.
LONG_S = 0.1


def new_nonce() -> str:
    """What two tickets of one job differ in. No secret."""
    return f"{random.getrandbits(32):08x}"


class Ticket(NamedTuple):
    """One job on its way. The broker reads no more of it than it needs for routing.

    Attributes:
        job_id: The message's id, too.
        lane: Where it waits: a queue of ours and a priority, `text-high`, `text`, `text-low`.
        task: Such as `text.generate`.
        attempt: How often the job had been started when this ticket was published. A ticket that the ledger has
            overtaken is a copy, and is dropped.
        alone: It must not be run together with others: it killed its worker once, or has only one attempt.
        submitted_ts: Seconds since the epoch; the oldest ticket gets its turn whatever its lane.
        body: The job as the ledger wrote it: JSON, opaque to the broker.
        nonce: Eight hexadecimal digits, drawn for each publication: a copy of a ticket is not the ticket. The ledger
            notes which one a job was leased for.
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
    """A ticket in a worker's hands, until it is settled or released.

    Attributes:
        redelivered: It was in some worker's hands before.
        connection: Which connection brought it (`TicketConsumer.connection`). Where that one is gone, the broker has
            given the ticket to somebody else.
        token: The consumer's own handle.
    """

    ticket: Ticket
    redelivered: bool
    connection: int
    token: Any


class TicketConsumer(ABC):
    """A worker's access to the lanes that it serves. Used from one thread; `settle`, `release` and `wake` from any.

    A lost connection is made anew by itself, in the background, with jittered back-off.

    While the worker is busy with something long (`LONG_S`), nothing waits for it: the consumer gives back what has
    arrived, with what `surrender` returns, and is handed nothing until the next `fetch`.
    """

    @property
    @abstractmethod
    def connection(self) -> int:
        """Number of the present connection, 0 while there is none; each new one has a higher number."""

    @abstractmethod
    def fetch(self, timeout_s: float) -> list[Delivery]:
        """What has arrived since the last call, in order of arrival; waits for the first up to `timeout_s` seconds.

        After something long, and over a new connection, every lane with tickets has its say before any is returned.

        An undecodable message is dead-lettered in the broker, logged and left out.

        Raises:
            BackendUnavailable: there is no connection, and none came back within `timeout_s`.
        """

    @abstractmethod
    def set_prefetch(self, count: int) -> None:
        """How many deliveries of each lane may be unsettled at a time; 1 at first. Cheap where it is so already."""

    @abstractmethod
    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """They are done with. Returns at once; those of a lost connection are passed over, they will come again."""

    @abstractmethod
    def release(self, deliveries: Sequence[Delivery]) -> None:
        """Others may have them. Returns at once."""

    @abstractmethod
    def wake(self) -> None:
        """End a waiting `fetch` in another thread."""

    @abstractmethod
    def close(self) -> None:
        """Give the connection back, and whatever is unsettled with it. The last acknowledgements are sent before."""


class JobTransport(ABC):
    """A broker. All methods may be called from several threads; no connection is made before one is needed."""

    name: ClassVar[str]

    @abstractmethod
    def publish(self, tickets: Sequence[Ticket], delay_s: float = 0.0) -> None:
        """Return when the broker has every ticket safely on disk.

        Args:
            delay_s: They reach no worker before that many seconds have passed; the broker may round up by a tenth.

        Raises:
            BackendUnavailable: it was not confirmed. Some tickets may have arrived all the same.
        """

    @abstractmethod
    def consumer(
        self, lanes: Sequence[str], surrender: Callable[[], Sequence[Delivery]] | None = None
    ) -> TicketConsumer:
        """Access for one worker.

        Args:
            surrender: Called on a thread of the consumer's when the worker is busy with something long. It returns the
                deliveries that the worker has and has not begun; they are not its own any more. None: it keeps what it
                has, and is handed as much as the prefetch allows.
        """

    @abstractmethod
    def health(self) -> Health:
        """Whether the broker answers, and which it is. Within 5 s."""

    @abstractmethod
    def close(self) -> None:
        """Give connections back."""
