"""One lane's channel: its consumer, the prefetch, and the answers to what it delivered.

A channel for each lane, so that what becomes of one queue is no matter of the others: when it is deleted, its channel
goes with all that was held from it, and the next begins with nothing open.
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
        paused: Nothing is to be delivered until `resume`.
        on_delivery: Called with each ticket, whether it is redelivered, and its tag.
        on_polled: Called when its first tickets have come, or none waits, after each beginning of the delivery.
        on_cancelled: Called when RabbitMQ ends the delivery, or refuses it, because the queue was deleted, or its node
            went.
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

        What was under way to the old one comes again, marked as redelivered, because RabbitMQ takes it back (and pika
        gives back the rest): up to as many as the old number. A second consumer for the difference would avoid that
        when the number grows, but RabbitMQ 3.10 fails when a queue with two consumers of one channel is deleted.
        """
        unchanged, self._prefetch = count == self._prefetch, count
        if unchanged or self._consumer_tag is None or not self._channel.is_open:
            return  # where the channel is on its way, it will ask for the new number
        self._stop_consuming()
        self._consume()

    def pause(self) -> None:
        """Have nothing delivered until `resume`. What is under way comes to others, marked as redelivered."""
        self._paused = True
        self._stop_consuming()

    def resume(self) -> None:
        """Have tickets delivered again."""
        self._paused = False
        if self._channel.is_open:  # else it consumes when it is
            self._stop_consuming()  # it may not have been paused
            self._consume()

    @property
    def has_unacked(self) -> bool:
        return len(self._unacked) > 0

    def release(self, tags: Iterable[int]) -> None:
        """Back into the queue. Where the channel is gone, RabbitMQ has done so."""
        if not self._channel.is_open:
            return
        for tag in tags:
            if self._unacked.take(tag):
                self._channel.basic_nack(tag, requeue=True)

    def settle(self, tags: Iterable[int]) -> None:
        """They are done with. Where the channel is gone, RabbitMQ has given them to others."""
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
        """The prefetch holds for each consumer that is made after it was set (`global` would mean all of a channel).

        RabbitMQ delivers the first tickets before it answers to what it is asked next, be it the same once more.
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
        """RabbitMQ 4 says of a queue that it exists when its deletion has begun, and then does not find it."""
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
