"""RabbitMQ as a transport of Rider-PC's jobs."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence

from rider_core.api import Delivery, Health, JobTransport, Ticket, TicketConsumer
from rider_queue_rabbitmq.consumer import RabbitConsumer
from rider_queue_rabbitmq.health import check_health
from rider_queue_rabbitmq.publisher import Publisher
from rider_queue_rabbitmq.settings import RabbitSettings


class RabbitTransport(JobTransport):
    """One connection for all that publish, one for each consumer; none before it is needed.

    Args:
        settings: By default what the environment says.

    Raises:
        ConfigError: the environment says something that cannot be.
    """

    name = "rabbitmq"

    def __init__(self, settings: RabbitSettings | None = None) -> None:
        self._settings = RabbitSettings.from_environment() if settings is None else settings
        self._begin()

    def publish(self, tickets: Sequence[Ticket], delay_s: float = 0.0) -> None:
        self._after_fork()
        self._publisher.publish(tickets, delay_s)

    def consumer(
        self, lanes: Sequence[str], return_prefetched: Callable[[], Sequence[Delivery]] | None = None
    ) -> TicketConsumer:
        self._after_fork()
        consumer = RabbitConsumer(self._settings, lanes, return_prefetched)
        with self._lock:
            self._consumers.add(consumer)
        return consumer

    def health(self) -> Health:
        return check_health(self._settings)

    def close(self) -> None:
        """Close the consumers as well. What other threads are publishing fails."""
        self._after_fork()
        with self._lock:
            consumers = list(self._consumers)
        for consumer in consumers:
            consumer.close()
        self._publisher.close()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._publisher = Publisher(self._settings)
        self._consumers: weakref.WeakSet[RabbitConsumer] = weakref.WeakSet()

    def _after_fork(self) -> None:
        """A child has no threads but its own, and locks that nobody will open: it begins afresh.

        Its copies of the parent's sockets are only dropped: a farewell would be the parent's.
        """
        if self._pid != os.getpid():
            self._begin()
