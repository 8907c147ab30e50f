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
    """One connection for all publishing threads, and one for each consumer; opened when needed.

    Args:
        settings: None: from the environment.

    Raises:
        ConfigError: an environment variable is invalid.
    """

    name = "rabbitmq"

    def __init__(self, settings: RabbitSettings | None = None) -> None:
        self._settings = RabbitSettings.from_environment() if settings is None else settings
        self._reset()

    def publish(self, tickets: Sequence[Ticket], delay_s: float = 0.0) -> None:
        self._reset_after_fork()
        self._publisher.publish(tickets, delay_s)

    def consumer(
        self, lanes: Sequence[str], return_prefetched: Callable[[], Sequence[Delivery]] | None = None
    ) -> TicketConsumer:
        self._reset_after_fork()
        consumer = RabbitConsumer(self._settings, lanes, return_prefetched)
        with self._lock:
            self._consumers.add(consumer)
        return consumer

    def health(self) -> Health:
        return check_health(self._settings)

    def close(self) -> None:
        """Close the publisher and the consumers. A `publish` that runs in another thread fails."""
        self._reset_after_fork()
        with self._lock:
            consumers = list(self._consumers)
        for consumer in consumers:
            consumer.close()
        self._publisher.close()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._publisher = Publisher(self._settings)
        self._consumers: weakref.WeakSet[RabbitConsumer] = weakref.WeakSet()

    def _reset_after_fork(self) -> None:
        """Start afresh in a forked child: it has none of the parent's threads, and its locks may be held for ever.

        Its copies of the parent's sockets are only dropped: an orderly close would end the parent's connection.
        """
        if self._pid != os.getpid():
            self._reset()
