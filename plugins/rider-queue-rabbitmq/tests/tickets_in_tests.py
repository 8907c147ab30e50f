"""Tickets for the tests, and functions that receive deliveries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from rider_queue_rabbitmq import RabbitTransport

from rider_core.api import Delivery, Ticket, TicketConsumer
from rider_core.api.job_transport import new_nonce
from rider_core.errors import BackendUnavailable

#: Maximum wait for a condition, in seconds; most take a moment, but the machine may be busy.
PATIENCE_S = 60.0


def ticket(job_id: str, lane: str, body: bytes = b'{"text": "hello"}') -> Ticket:
    return Ticket(
        job_id=job_id,
        lane=lane,
        task="text.generate",
        attempt=0,
        alone=False,
        submitted_ts=1_700_000_000.25,
        body=body,
        nonce=new_nonce(),
    )


def tickets(count: int, lane: str, prefix: str = "job") -> list[Ticket]:
    return [ticket(f"{prefix}-{number:05d}", lane) for number in range(count)]


def take(consumer: TicketConsumer, count: int) -> list[Delivery]:
    """The next `count` deliveries, none of them settled."""
    taken: list[Delivery] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(taken) < count:
        left_s = deadline - time.monotonic()
        assert left_s > 0, f"only {len(taken)} of {count} tickets came"
        taken += consumer.fetch(left_s)
    return taken


def drain(consumer: TicketConsumer, count: int) -> list[Delivery]:
    """The next `count` deliveries, each settled as it came."""
    taken: list[Delivery] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(taken) < count:
        left_s = deadline - time.monotonic()
        assert left_s > 0, f"only {len(taken)} of {count} tickets came"
        arrived = consumer.fetch(left_s)
        consumer.settle(arrived)
        taken += arrived
    return taken


def job_ids(deliveries: Sequence[Delivery]) -> list[str]:
    return [each.ticket.job_id for each in deliveries]


def job_ids_of(count: int) -> list[str]:
    """The ids of `tickets(count, lane)`."""
    return [each.job_id for each in tickets(count, "any")]


def until_available(attempt: Callable[[], None]) -> None:
    """Repeat what RabbitMQ refuses until it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return attempt()
        except BackendUnavailable:
            if time.monotonic() > deadline:
                raise


class Publishing(threading.Thread):
    """Publishes batches of five tickets until `end`, some of them delayed; keeps the ids of the confirmed ones."""

    def __init__(self, transport: RabbitTransport, lane: str) -> None:
        super().__init__()
        self._transport = transport
        self._lane = lane
        self._ended = threading.Event()
        self.confirmed: list[str] = []
        self.refused = 0

    def run(self) -> None:
        number = 0
        while not self._ended.is_set():
            batch = tickets(5, self._lane, prefix=f"{self.ident}-{number}")
            number += 1
            try:
                self._transport.publish(batch, 0.5 if number % 5 == 0 else 0.0)
            except BackendUnavailable:
                self.refused += 1
                self._ended.wait(0.05)
            else:
                self.confirmed += [each.job_id for each in batch]

    def end(self) -> None:
        self._ended.set()
        self.join(PATIENCE_S)
