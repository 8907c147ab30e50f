"""A thread that handles events from a bounded queue: a slow plugin or database delays neither the page nor the bus."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from rider_core.api import Event
from rider_core.metrics import EVENTS_DROPPED
from rider_core.timing import ended_within

log = logging.getLogger(__name__)

#: Events that may wait in one consumer's queue. Further ones are dropped and counted.
BACKLOG = 5_000


class EventConsumer:
    """A thread that handles events in batches."""

    def __init__(self, name: str, handle: Callable[[list[Event]], None], every_s: float = 0.0) -> None:
        """
        Args:
            name: Of the thread, and of the listener in the metric of dropped events.
            every_s: Minimum time between two batches, in seconds.
        """
        self._name = name
        self._handle = handle
        self._every_s = every_s
        self._queue: queue.Queue[Event] = queue.Queue(BACKLOG)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def enqueue(self, event: Event) -> None:
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            EVENTS_DROPPED.labels(self._name).inc()

    def stop(self) -> None:
        """Handle the events in the queue, then end the thread."""
        self._stop.set()
        ended_within(self._thread, 2)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stop.wait(self._every_s) if self._every_s else self._stop.is_set()
            batch = self._batch()
            if not batch:
                continue
            try:
                self._handle(batch)
            except Exception:  # the top of a thread
                log.exception("%s: %d events could not be handled", self._name, len(batch))

    def _batch(self) -> list[Event]:
        batch = []
        try:
            batch.append(self._queue.get(timeout=0.2))
            while len(batch) < BACKLOG:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return batch
