"""The exchanges and queues, and their declaration. No other module of this plugin names one.

    publish ──▶ rider.jobs (direct) ──lane──▶ rider.<lane> ──rejected, or delivered a million times──▶ rider.dead
                    ▲
    publish delayed │
      └──▶ rider.delay.<ms> (fanout) ──▶ rider.delay.<ms> (queue, every message expires after so many ms)

An expired message goes to `rider.jobs` with the routing key that it was published with, which is the lane: hence an
exchange for each step of the ladder (see `delays`) and not a key.

All queues are quorum queues, and all that matters is written out, so that RabbitMQ 3.10 (Debian 12) and 4.x do the
same: 4.x would drop a message after 20 deliveries. A dead letter is confirmed by the queue that takes it before it
leaves the one where it died ("at-least-once"); that asks for `reject-publish`, so a full queue refuses instead of
dropping something.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pika.channel import Channel
from pika.connection import Connection
from pika.exceptions import AMQPError, ChannelClosedByBroker

from rider_core.errors import InvalidInput

PREFIX = "rider."
JOBS_EXCHANGE = "rider.jobs"
DEAD_QUEUE = "rider.dead"
_DELAY = "rider.delay."
_RESERVED = ("dead", "jobs", "delay")

#: A backstop only: the job store counts the attempts. A ticket of low priority counts one more for each long job whose
#: worker held it meanwhile, and a full queue has 100,000 of them.
_DELIVERY_LIMIT = 1_000_000
#: The job store refuses jobs long before; this limit stops other programs, and faults of ours.
_LANE_LIMIT = 1_000_000
#: Messages in the dead queue, for inspection; the oldest are dropped first. The job store has its own dead letters.
_DEAD_LIMIT = 10_000
#: Maximum time that a worker holds a delivery. Before RabbitMQ 3.12 the node's `consumer_timeout` (30 min) applies.
_CONSUMER_TIMEOUT_MS = 24 * 3600 * 1000
_MAX_LANE_BYTES = 200
#: Pause in seconds before a missing queue is declared. RabbitMQ notifies a deleted queue's consumers with a delay. If
#: it exists again by then, 3.10 does not notify them, and its deliveries to them are never sent (seen with 9 ms).
MISSING_QUEUE_S = 0.5
#: Pause in seconds before a new queue is used. RabbitMQ 3.10 reports that a queue exists up to a second before it saves
#: that (measured; Ra 2.2 saves its directory of queues after 500 ms without changes). A broker killed before that has
#: lost the queue's log, with messages that it had confirmed, and confirms no more: the queue must be deleted.
NEW_QUEUE_S = 1.5
#: AMQP's reply code for a queue that is not there.
NOT_FOUND = 404


def lane_queue(lane: str) -> str:
    """Name of the queue behind a lane.

    Raises:
        InvalidInput: the name is not valid for a lane.
    """
    if not lane.isprintable() or not 0 < len(lane.encode()) <= _MAX_LANE_BYTES or lane.split(".")[0] in _RESERVED:
        raise InvalidInput(f"{lane[:50]!r} cannot be the name of a lane", remedy="use a short word, such as text-high")
    return PREFIX + lane


def delay_exchange(delay_ms: int) -> str:
    return f"{_DELAY}{delay_ms}"


def declare(
    connection: Connection,
    lanes: Collection[str],
    delay_ms: int | None,
    done: Callable[[Exception | None], None],
) -> None:
    """Declare the queues of these lanes and this step of the ladder, if they do not exist. On the connection's thread.

    This uses a channel of its own, because RabbitMQ closes the channel where something exists in another form.
    `done` is called once: with None, or with the error. Where a queue was missing, that is two seconds later
    (see `MISSING_QUEUE_S` and `NEW_QUEUE_S`).
    """
    _Declaration(lanes, delay_ms, done).begin(connection)


class _Declaration:
    def __init__(self, lanes: Collection[str], delay_ms: int | None, done: Callable[[Exception | None], None]) -> None:
        self._lanes = lanes
        self._delay_ms = delay_ms
        self._done = done
        self._over = False
        self._is_new = False

    def begin(self, connection: Connection) -> None:
        """Check first whether all queues exist."""
        self._open_channel(connection, self._ask)

    def _open_channel(self, connection: Connection, then: Callable[[Channel], None]) -> None:
        try:
            channel = connection.channel(on_open_callback=then)
        except AMQPError as error:  # no channel number is left, or the connection is about to close
            self._finish(error)
            return
        channel.add_on_close_callback(self._on_close)

    def _on_close(self, channel: Channel, reason: Exception) -> None:
        missing = isinstance(reason, ChannelClosedByBroker) and reason.reply_code == NOT_FOUND
        if missing and not self._is_new:
            self._is_new = True
            connection = channel.connection
            connection.ioloop.call_later(MISSING_QUEUE_S, lambda: self._open_channel(connection, self._make))
        else:
            self._finish(reason)

    def _ask(self, channel: Channel) -> None:
        for queue in (DEAD_QUEUE, *map(lane_queue, self._lanes)):
            channel.queue_declare(queue, passive=True)
        if self._delay_ms is not None:
            channel.queue_declare(delay_exchange(self._delay_ms), passive=True)
        self._make(channel)

    def _make(self, channel: Channel) -> None:
        """pika queues these requests, and sends each when the one before is answered."""
        channel.exchange_declare(JOBS_EXCHANGE, "direct", durable=True)
        _declare_queue(channel, DEAD_QUEUE, _DEAD_ARGUMENTS)
        for lane in self._lanes:
            queue = lane_queue(lane)
            _declare_queue(channel, queue, _LANE_ARGUMENTS)
            channel.queue_bind(queue, JOBS_EXCHANGE, lane)
        if self._delay_ms is not None:
            name = delay_exchange(self._delay_ms)
            channel.exchange_declare(name, "fanout", durable=True)
            _declare_queue(channel, name, _DELAY_ARGUMENTS | {"x-message-ttl": self._delay_ms})
            channel.queue_bind(name, name, "")
        channel.queue_declare(DEAD_QUEUE, passive=True, callback=lambda _answer: self._made(channel))

    def _made(self, channel: Channel) -> None:
        if self._is_new:
            channel.connection.ioloop.call_later(NEW_QUEUE_S, lambda: self._succeed(channel))
        else:
            self._succeed(channel)

    def _succeed(self, channel: Channel) -> None:
        self._finish(None)
        if channel.is_open:
            channel.close()

    def _finish(self, reason: Exception | None) -> None:
        if not self._over:
            self._over = True
            self._done(reason)


def _declare_queue(channel: Channel, name: str, arguments: Mapping[str, Any]) -> None:
    quorum = {"x-queue-type": "quorum", "x-delivery-limit": _DELIVERY_LIMIT}
    channel.queue_declare(name, durable=True, exclusive=False, auto_delete=False, arguments=quorum | dict(arguments))


_DEAD_ARGUMENTS = {"x-max-length": _DEAD_LIMIT, "x-overflow": "drop-head"}
_KEEP_UNTIL_TAKEN = {
    "x-overflow": "reject-publish",
    "x-dead-letter-strategy": "at-least-once",
    "x-max-length": _LANE_LIMIT,
}
_LANE_ARGUMENTS = _KEEP_UNTIL_TAKEN | {
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD_QUEUE,
    "x-consumer-timeout": _CONSUMER_TIMEOUT_MS,
}
# No x-dead-letter-routing-key: it would replace the lane.
_DELAY_ARGUMENTS = _KEEP_UNTIL_TAKEN | {"x-dead-letter-exchange": JOBS_EXCHANGE}
