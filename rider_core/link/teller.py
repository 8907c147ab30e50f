"""Speaking to the event bus without waiting for it: the link's threads have a robot that waits."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from rider_core.api.events import EventKind
from rider_core.errors import BackendUnavailable
from rider_core.metrics import EVENTS_DROPPED

log = logging.getLogger(__name__)

#: What may wait for a Redis that is away; more is dropped and counted.
MAX_WAITING = 200


class Teller:
    """A thread with a short queue in front of `EventBus.publish`."""

    def __init__(self, publish: Callable[..., None]) -> None:
        self._publish = publish
        self._waiting: queue.Queue[tuple[EventKind, dict[str, object]] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        try:
            self._waiting.put(None, timeout=1)
        except queue.Full:
            log.warning("%d events were not sent", self._waiting.qsize())
        self._thread.join(timeout=3)

    def __call__(self, kind: EventKind, **data: object) -> None:
        try:
            self._waiting.put_nowait((kind, data))
        except queue.Full:
            EVENTS_DROPPED.labels("link").inc()

    def _run(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            kind, data = waiting
            try:
                self._publish(kind, **data)
            except BackendUnavailable as error:
                EVENTS_DROPPED.labels("link").inc()
                log.debug("an event was not sent: %s", error)
            except Exception:  # the top of a thread: one odd event must not silence the link
                EVENTS_DROPPED.labels("link").inc()
                log.exception("a %s event could not be sent", kind)
