"""Speaking to the event bus without waiting for it: the link's threads have a robot that waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from rider_core.api.events import EventKind
from rider_core.errors import BackendUnavailable
from rider_core.link.serial_executor import SerialExecutor
from rider_core.metrics import EVENTS_DROPPED

log = logging.getLogger(__name__)

#: What may wait for a Redis that is away; more is dropped and counted.
MAX_WAITING = 200


class EventPublisher:
    """`EventBus.publish`, executed in the background."""

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
                raise  # an odd event: the background tells it, and goes on
            log.debug("an event was not sent: %s", error)
