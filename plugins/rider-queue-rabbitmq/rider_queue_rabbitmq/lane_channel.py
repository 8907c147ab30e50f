"""One lane's channel: its consumer, its prefetch, and its acknowledgements.

Each lane has its own channel, so that the loss of one queue does not affect the others: when a queue is deleted, its
channel is closed with all its unacknowledged deliveries, and the next channel has none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import pika
from pika import frame, spec
from pika.channel import Channel
from pika.connection import Connection
from pika.exceptions import ChannelClosedByBroker

from rider_core.api import Ticket
from rider_queue_rabbitmq.connection import IoConnection
from rider_queue_rabbitmq.tickets import NotATicket, from_message
from rider_queue_rabbitmq.topology import DEAD_QUEUE, NOT_FOUND, lane_queue
from rider_queue_rabbitmq.unacked_tags import UnackedTags

log = logging.getLogger(__name__)


class LaneChannel:
    """Used on the connection's thread alone.

    Args:
        paused: RabbitMQ delivers no ticket until `resume`.
        on_delivery: Called with each ticket, whether it is redelivered, and its tag.
        on_polled: Called after each start of the delivery, when its first tickets have come, or none waits.
        on_cancelled: Called when RabbitMQ ends the delivery, or refuses it, because the queue was deleted, or its node
            was lost.
    """

    def __init__(
        self,
        io: IoConnection,
        connection: Connection,
        lane: str,
        prefetch: int,
        paused: bool,
        *,
        on_delivery: Callable[[LaneChannel, Ticket, bool, int], None],
        on_polled: Callable[[LaneChannel], None],
        on_cancelled: Callable[[LaneChannel], None],
    ) -> None:
        self.lane = lane
        self._io = io
        self._prefetch = prefetch
        self._paused = paused
        self._on_delivery = on_delivery
        self._on_polled = on_polled
        self._on_cancelled = on_cancelled
        self._consumer_tag: str | None = None
        self._unacked = UnackedTags()
        self._strangers = 0
        self._channel: Channel = connection.channel(on_open_callback=self._opened)
        self._channel.add_on_cancel_callback(self._cancelled_by_broker)
        self._channel.add_on_close_callback(self._closed)

    def set_prefetch(self, count: int) -> None:
        """RabbitMQ cannot change a consumer, so it is replaced.

        Deliveries on their way to the old one are delivered again, marked as redelivered, because RabbitMQ takes them
        back (and pika returns the rest): up to as many as the old number. A second consumer for the difference would
        avoid that when the number grows, but RabbitMQ 3.10 fails when a queue with two consumers of one channel is
        deleted.
        """
        unchanged, self._prefetch = count == self._prefetch, count
        if unchanged or self._consumer_tag is None or not self._channel.is_open:
            return  # a channel that is not open yet will use the new number
        self._stop_consuming()
        self._consume()

    def pause(self) -> None:
        """Stop the delivery until `resume`. Deliveries on their way go to other workers, marked as redelivered."""
        self._paused = True
        self._stop_consuming()

    def resume(self) -> None:
        """Start the delivery again."""
        self._paused = False
        if self._channel.is_open:  # else it consumes when it is open
            self._stop_consuming()  # it may not have been paused
            self._consume()

    @property
    def has_unacked(self) -> bool:
        return len(self._unacked) > 0

    def release(self, tags: Iterable[int]) -> None:
        """Return these deliveries to the queue. RabbitMQ did so itself where the channel is closed."""
        if not self._channel.is_open:
            return
        for tag in tags:
            if self._unacked.take(tag):
                self._channel.basic_nack(tag, requeue=True)

    def settle(self, tags: Iterable[int]) -> None:
        """Acknowledge these deliveries. Where the channel is closed, RabbitMQ delivers them to other workers."""
        if not self._channel.is_open:
            return
        up_to, single = self._unacked.settle(tags)
        if up_to is not None:
            self._channel.basic_ack(up_to, multiple=True)
        for tag in single:
            self._channel.basic_ack(tag)

    def close(self) -> None:
        if self._channel.is_open:
            self._channel.close()

    def _opened(self, _channel: Channel) -> None:
        if not self._paused:
            self._consume()

    def _consume(self) -> None:
        """The prefetch applies to each consumer that is made after it was set (`global` would mean the channel).

        RabbitMQ delivers the first tickets before it answers the next request, even if that repeats the first one.
        """
        self._channel.basic_qos(prefetch_count=self._prefetch, global_qos=False)
        self._consumer_tag = self._channel.basic_consume(lane_queue(self.lane), self._deliver, auto_ack=False)
        self._channel.basic_qos(
            prefetch_count=self._prefetch, global_qos=False, callback=lambda _ok: self._on_polled(self)
        )

    def _stop_consuming(self) -> None:
        if self._consumer_tag is not None and self._channel.is_open:
            self._channel.basic_cancel(self._consumer_tag, callback=lambda _ok: None)
        self._consumer_tag = None

    def _cancelled_by_broker(self, answer: frame.Method[spec.Basic.Cancel]) -> None:
        if answer.method.consumer_tag == self._consumer_tag:
            self._consumer_tag = None
            self._on_cancelled(self)

    def _closed(self, channel: Channel, reason: Exception) -> None:
        """RabbitMQ 4 reports that a queue exists while it is being deleted, and then does not find it."""
        if isinstance(reason, ChannelClosedByBroker) and reason.reply_code == NOT_FOUND:
            self._on_cancelled(self)
        else:
            self._io.on_channel_closed(channel, reason)

    def _deliver(
        self, channel: Channel, method: spec.Basic.Deliver, properties: pika.BasicProperties, body: bytes
    ) -> None:
        tag: int = method.delivery_tag
        try:
            ticket = from_message(self.lane, properties, body)
        except NotATicket as problem:
            channel.basic_nack(tag, requeue=False)
            self._log_stranger(problem)
            return
        self._unacked.add(tag)
        self._on_delivery(self, ticket, bool(method.redelivered), tag)

    def _log_stranger(self, problem: NotATicket) -> None:
        self._strangers += 1
        if self._strangers & (self._strangers - 1) == 0:  # 1, 2, 4, 8: a flood of them must not flood the log
            log.warning(
                "A message in %s is not a job: %s; it is in the queue %s now (%d since the connection was made)",
                lane_queue(self.lane),
                problem,
                DEAD_QUEUE,
                self._strangers,
            )
