"""One connection's subscription to lanes: a channel for each; acknowledgements are passed to the connection's thread.

A subscription ends with its connection; `consumer` makes another.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from pika.connection import Connection

from rider_core.api import Delivery, Ticket
from rider_queue_rabbitmq.connection import IoConnection, TolerantConnection
from rider_queue_rabbitmq.lane_channel import LaneChannel
from rider_queue_rabbitmq.settings import RabbitSettings
from rider_queue_rabbitmq.topology import MISSING_QUEUE_S, declare, lane_queue

log = logging.getLogger(__name__)

#: `Delivery.token`: the channel of the delivery, and its delivery tag there.
Token = tuple[LaneChannel, int]


class Subscription:
    """Deliveries of some lanes over one connection.

    Args:
        number: `Delivery.connection` of its deliveries.
        on_ready: Called on its thread when the connection is open and every lane exists, before the first delivery.
        on_deliveries: Called on its thread with the deliveries of one read.
        on_polled: Called on its thread when each lane's first tickets have come, or none waits there; at the beginning
            and after `resume`.
    """

    def __init__(
        self,
        settings: RabbitSettings,
        lanes: Sequence[str],
        prefetch: int,
        number: int,
        *,
        on_ready: Callable[[], None],
        on_deliveries: Callable[[list[Delivery]], None],
        on_polled: Callable[[], None],
    ) -> None:
        self._number = number
        self._lanes = lanes
        self._on_ready = on_ready
        self._on_deliveries = on_deliveries
        self._on_polled = on_polled
        self._io = IoConnection(settings, self._open)
        # These belong to the connection's thread.
        self._prefetch = prefetch
        self._paused = False
        self._channels: dict[str, LaneChannel] = {}
        self._unpolled: set[LaneChannel] = set()
        self._arrived: list[Delivery] = []
        # Acknowledgements on their way to that thread.
        self._lock = threading.Lock()
        self._settled: list[Token] = []
        self._released: list[Token] = []
        self._flush_is_due = False

    def run(self) -> Exception:
        """Serve until the connection ends. Returns why it did."""
        return self._io.run()

    def set_prefetch(self, count: int) -> None:
        """From any thread. Deliveries that are unacknowledged at the change do not count."""
        self._io.call(lambda: self._change_prefetch(count))

    def call_later(self, delay_s: float, function: Callable[[], None]) -> None:
        """On its thread."""
        self._io.call_later(delay_s, function)

    def pause(self, tokens: Iterable[Token]) -> None:
        """On its thread: stop the delivery, and return these deliveries."""
        self._paused = True
        for channel in self._channels.values():
            channel.pause()
        self.release(tokens)

    def resume(self) -> None:
        """From any thread: start the delivery again."""
        self._io.call(self._resume)

    @property
    def has_unacked(self) -> bool:
        """On its thread: whether a delivery is neither settled nor released."""
        return any(channel.has_unacked for channel in self._channels.values())

    def settle(self, tokens: Iterable[Token]) -> None:
        """From any thread: acknowledge these, together with others that are settled until the thread sends them."""
        self._answer(self._settled, tokens)

    def release(self, tokens: Iterable[Token]) -> None:
        """From any thread: return these to their queues."""
        self._answer(self._released, tokens)

    def close(self) -> None:
        """From any thread: start to close. Acknowledgements from before are sent first."""
        self._io.close()

    def _open(self, connection: TolerantConnection) -> None:
        declare(connection, self._lanes, None, partial(self._declared, connection))

    def _declared(self, connection: TolerantConnection, problem: Exception | None) -> None:
        if problem is not None:
            self._io.abort(problem)
            return
        self._on_ready()
        connection.on_read = self._pass_on
        for lane in self._lanes:
            self._open_channel(connection, lane)

    def _open_channel(self, connection: Connection, lane: str) -> None:
        channel = self._channels[lane] = LaneChannel(
            self._io,
            connection,
            lane,
            self._prefetch,
            self._paused,
            on_delivery=self._deliver,
            on_polled=self._polled,
            on_cancelled=partial(self._recreate, connection),
        )
        self._unpolled.add(channel)

    def _recreate(self, connection: Connection, channel: LaneChannel) -> None:
        queue = lane_queue(channel.lane)
        log.warning("RabbitMQ ended the delivery from %s, as if it had been deleted; it is declared again", queue)
        channel.close()
        if self._channels.get(channel.lane) is channel:
            del self._channels[channel.lane]  # its first deliveries are not waited for
        self._polled(channel)
        # Its deletion may not be over yet.
        connection.ioloop.call_later(MISSING_QUEUE_S, lambda: self._redeclare(connection, channel.lane))

    def _redeclare(self, connection: Connection, lane: str) -> None:
        declare(connection, [lane], None, partial(self._recreated, connection, lane))

    def _recreated(self, connection: Connection, lane: str, problem: Exception | None) -> None:
        if problem is not None:
            self._io.abort(problem)
        else:
            self._open_channel(connection, lane)

    def _resume(self) -> None:
        self._paused = False
        self._unpolled.update(self._channels.values())
        for channel in self._channels.values():
            channel.resume()

    def _polled(self, channel: LaneChannel) -> None:
        if channel in self._unpolled:
            self._unpolled.remove(channel)
            if not self._unpolled:
                self._pass_on()
                self._on_polled()

    def _change_prefetch(self, count: int) -> None:
        self._prefetch = count
        for channel in self._channels.values():
            channel.set_prefetch(count)

    def _deliver(self, channel: LaneChannel, ticket: Ticket, redelivered: bool, tag: int) -> None:
        self._arrived.append(Delivery(ticket, redelivered, self._number, (channel, tag)))

    def _pass_on(self) -> None:
        if self._arrived:
            arrived, self._arrived = self._arrived, []
            self._on_deliveries(arrived)

    def _answer(self, into: list[Token], tokens: Iterable[Token]) -> None:
        with self._lock:
            into.extend(tokens)
            due, self._flush_is_due = self._flush_is_due, True
        if not due:
            self._io.call(self._flush)

    def _flush(self) -> None:
        with self._lock:
            self._flush_is_due = False
            settled, self._settled[:] = list(self._settled), []
            released, self._released[:] = list(self._released), []
        # First the released ones, so that no multiple acknowledgement covers them.
        for channel, tags in _by_channel(released).items():
            channel.release(tags)
        for channel, tags in _by_channel(settled).items():
            channel.settle(tags)


def _by_channel(tokens: Iterable[Token]) -> dict[LaneChannel, list[int]]:
    tags: dict[LaneChannel, list[int]] = defaultdict(list)
    for channel, tag in tokens:
        tags[channel].append(tag)
    return tags
