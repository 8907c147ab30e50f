"""Publishes events without waiting for Redis: the robot waits for the link's threads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from rider_core.api.events import EventKind
from rider_core.errors import BackendUnavailable
from rider_core.link.serial_executor import SerialExecutor
from rider_core.metrics import EVENTS_DROPPED

log = logging.getLogger(__name__)

#: Events that may wait while Redis is away; others are dropped and counted.
MAX_WAITING = 200


class EventPublisher:
    """Calls `EventBus.publish` in a thread of its own."""

    def __init__(self, publish: Callable[..., None]) -> None:
        self._publish = publish
        self._executor = SerialExecutor("event publisher", MAX_WAITING)

    def start(self) -> None:
        self._executor.start()

    def stop(self) -> None:
        self._executor.stop()

    def publish(self, kind: EventKind, **data: object) -> None:
        if not self._executor.run(partial(self._send, kind, data)):
            EVENTS_DROPPED.labels("link").inc()

    def _send(self, kind: EventKind, data: dict[str, object]) -> None:
        try:
            self._publish(kind, **data)
        except Exception as error:
            EVENTS_DROPPED.labels("link").inc()
            if not isinstance(error, BackendUnavailable):
                raise  # a defect: the executor logs it and goes on
            log.debug("an event was not sent: %s", error)
