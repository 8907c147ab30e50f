"""One connection's publishing: batches of many threads share one channel and one window of unconfirmed messages.

Batches that wait while RabbitMQ writes to disk are sent together afterwards, so with more threads each write carries
more ("group commit"). The session ends with its connection, and every batch that was not confirmed fails.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from functools import partial

import pika
from pika import frame, spec
from pika.channel import Channel
from pika.connection import Connection

from rider_core.api import Ticket
from rider_core.errors import BackendUnavailable
from rider_queue_rabbitmq.connection import IoConnection
from rider_queue_rabbitmq.error_mapping import map_error
from rider_queue_rabbitmq.settings import RabbitSettings
from rider_queue_rabbitmq.topology import JOBS_EXCHANGE, declare, delay_exchange

#: Maximum number of unconfirmed messages. From 250 to 2000 the speed is the same; 1000 lets two batches of 500 overlap.
_WINDOW = 1000
#: Maximum number of unconfirmed bytes, so that large jobs do not fill the memory. One message is always sent.
_WINDOW_BYTES = 8 * 1024 * 1024
_FULL = "see RabbitMQ's log; a lane takes a million jobs: start more workers"


class Batch:
    """The tickets of one call of `publish`.

    Attributes:
        needs: Lanes and the step of the ladder of delays that must exist.
        done: Set when all tickets are confirmed, or the first has failed.
        fault: The error; None: there is none so far.
    """

    def __init__(
        self, tickets: Sequence[Ticket], properties: Sequence[pika.BasicProperties], delay_ms: int | None
    ) -> None:
        self.tickets = tickets
        self.properties = properties
        self.exchange = JOBS_EXCHANGE if delay_ms is None else delay_exchange(delay_ms)
        self.needs: set[str | int] = {each.lane for each in tickets}
        if delay_ms is not None:
            self.needs.add(delay_ms)
        self.done = threading.Event()
        self.fault: BackendUnavailable | None = None
        self.sent = 0
        self._confirmed = 0

    def confirm(self) -> None:
        self._confirmed += 1
        if self._confirmed == len(self.tickets):
            self.done.set()

    def fail(self, fault: BackendUnavailable) -> None:
        if not self.done.is_set():
            # A copy: an exception that is raised in several threads would collect their tracebacks.
            self.fault = BackendUnavailable(fault.message, remedy=fault.remedy)
            self.done.set()


class PublishSession:
    """A connection that publishes, on a thread of its own, from the first batch until it ends."""

    def __init__(self, settings: RabbitSettings) -> None:
        self._settings = settings
        self._io = IoConnection(settings, self._open)
        self._thread = threading.Thread(target=self._serve, name="rider-rabbitmq-publisher", daemon=True)
        self._lock = threading.Lock()
        self._waiting: deque[Batch] = deque()  # one for each thread that is inside publish() at most
        self._over = False
        self._blocked: BackendUnavailable | None = None
        self._pump_is_due = True  # until the channel is open
        # These belong to the connection's thread.
        self._channel: Channel | None = None
        self._declared: set[str | int] = set()  # lanes by name, steps of the ladder of delays by their milliseconds
        self._declaring: set[str | int] = set()
        self._set_aside: list[Batch] = []  # they wait for what is being declared
        self._unconfirmed: dict[int, tuple[Batch, Ticket]] = {}  # by sequence number, ascending
        self._unconfirmed_bytes = 0
        self._next_number = 1
        self._all_confirmed_before = 1

    def start(self) -> None:
        self._thread.start()

    def submit(self, batch: Batch) -> bool:
        """From any thread: send the batch; its `done` will be set. False when the connection has ended."""
        with self._lock:
            if self._over:
                return False
            if self._blocked is not None:
                batch.fail(self._blocked)
                return True
            self._waiting.append(batch)
            due, self._pump_is_due = self._pump_is_due, True
        if not due:
            self._io.call(self._pump)
        return True

    def abort(self, reason: BackendUnavailable) -> None:
        """From any thread: drop the connection, and fail all that is unconfirmed for this reason."""
        self._io.abort(reason)

    def close(self, limit_s: float) -> None:
        """From any thread: fail what is unconfirmed, close the connection and wait for it."""
        self._io.close()
        self._thread.join(limit_s)

    def _serve(self) -> None:
        fault = map_error(self._io.run(), self._settings)
        with self._lock:
            self._over = True
            waiting = list(self._waiting)
            self._waiting.clear()
        self._fail_all(waiting, fault)
        self._unconfirmed.clear()

    def _open(self, connection: Connection) -> None:
        connection.add_on_connection_blocked_callback(self._on_blocked)
        connection.add_on_connection_unblocked_callback(self._on_unblocked)
        channel = connection.channel(on_open_callback=self._select_confirms)
        self._io.end_with(channel)
        channel.add_on_return_callback(self._on_return)

    def _select_confirms(self, channel: Channel) -> None:
        self._channel = channel
        channel.confirm_delivery(self._on_confirm, callback=lambda _ok: self._pump())

    def _pump(self) -> None:
        """Send what the window allows, in the order in which the batches came."""
        with self._lock:
            self._pump_is_due = False
        channel = self._channel
        if channel is None or not channel.is_open:
            return
        while self._waiting and self._window_is_open():
            batch = self._waiting[0]
            if batch.done.is_set():  # it failed, or its caller does not wait any more
                self._drop_first()
            elif batch.sent == 0 and not batch.needs <= self._declared:
                self._drop_first()
                self._make_topology(channel, batch)
            else:
                self._send(channel, batch)
                if batch.sent == len(batch.tickets):
                    self._drop_first()

    def _window_is_open(self) -> bool:
        return len(self._unconfirmed) < _WINDOW and self._unconfirmed_bytes < _WINDOW_BYTES

    def _drop_first(self) -> None:
        with self._lock:
            self._waiting.popleft()

    def _send(self, channel: Channel, batch: Batch) -> None:
        with channel.connection.corked():
            while batch.sent < len(batch.tickets) and self._window_is_open():
                ticket = batch.tickets[batch.sent]
                properties = batch.properties[batch.sent]
                channel.basic_publish(batch.exchange, ticket.lane, ticket.body, properties, mandatory=True)
                batch.sent += 1
                self._unconfirmed[self._next_number] = batch, ticket
                self._unconfirmed_bytes += len(ticket.body)
                self._next_number += 1

    def _make_topology(self, channel: Channel, batch: Batch) -> None:
        """A new queue takes seconds, so the batch is set aside, and others are sent."""
        self._set_aside.append(batch)
        missing = batch.needs - self._declared - self._declaring
        if missing:
            self._declaring |= missing
            lanes = sorted(each for each in missing if isinstance(each, str))
            delay_ms = next((each for each in missing if isinstance(each, int)), None)
            declare(channel.connection, lanes, delay_ms, partial(self._on_topology, batch, missing))

    def _on_topology(self, batch: Batch, names: set[str | int], problem: Exception | None) -> None:
        self._declaring -= names
        if problem is None:
            self._declared |= names
        else:
            batch.fail(map_error(problem, self._settings))
        with self._lock:
            self._waiting.extendleft(reversed(self._set_aside))
        self._set_aside = []
        self._pump()

    def _on_confirm(self, answer: frame.Method[spec.Basic.Ack | spec.Basic.Nack]) -> None:
        method = answer.method
        accepted = isinstance(method, spec.Basic.Ack)
        for number in self._numbers(method.delivery_tag, method.multiple):
            batch, ticket = self._unconfirmed.pop(number)
            self._unconfirmed_bytes -= len(ticket.body)
            if accepted:
                batch.confirm()
            else:
                batch.fail(self._refusal(f"it refused job {ticket.job_id} in {ticket.lane!r}", _FULL))
        if self._waiting:
            self._pump()

    def _numbers(self, last: int, multiple: bool) -> list[int]:
        """The sequence numbers that a confirm covers: one, or all up to it."""
        if not multiple:
            return [last] if last in self._unconfirmed else []
        first, self._all_confirmed_before = self._all_confirmed_before, last + 1
        return [number for number in range(first, last + 1) if number in self._unconfirmed]

    def _on_return(
        self, _channel: Channel, method: spec.Basic.Return, properties: pika.BasicProperties, _body: bytes
    ) -> None:
        """No queue took the message. A confirm follows all the same, so the batch fails before that."""
        self._declared.clear()
        where = f"{method.exchange} with key {method.routing_key!r}"
        fault = self._refusal(
            f"no queue is behind exchange {where}", "it is declared again at the next attempt: try again"
        )
        for batch, ticket in self._unconfirmed.values():
            if ticket.job_id == properties.message_id:
                batch.fail(fault)

    def _on_blocked(self, _connection: Connection, answer: frame.Method[spec.Connection.Blocked]) -> None:
        """RabbitMQ does not read from this connection until its alarm ends, so no waiting message can be confirmed."""
        fault = self._refusal(
            f"it takes no messages for now: {answer.method.reason}",
            "free memory or disk on its machine; sudo rabbitmq-diagnostics alarms tells which",
        )
        with self._lock:
            self._blocked = fault
            waiting = list(self._waiting)
            self._waiting.clear()
        self._fail_all(waiting, fault)

    def _on_unblocked(self, _connection: Connection, _answer: frame.Method[spec.Connection.Unblocked]) -> None:
        with self._lock:
            self._blocked = None

    def _fail_all(self, waiting: Sequence[Batch], fault: BackendUnavailable) -> None:
        for batch in (*waiting, *self._set_aside):
            batch.fail(fault)
        for batch, _ticket in self._unconfirmed.values():
            batch.fail(fault)

    def _refusal(self, what: str, remedy: str) -> BackendUnavailable:
        return BackendUnavailable(f"RabbitMQ at {self._settings.host}:{self._settings.port}: {what}", remedy=remedy)
