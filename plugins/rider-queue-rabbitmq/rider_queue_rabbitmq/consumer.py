"""A worker's consumer: passes deliveries from the connection's thread to the worker's, and reconnects."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from rider_core.api import Delivery, TicketConsumer
from rider_core.api.job_transport import LONG_S
from rider_core.errors import BackendUnavailable
from rider_queue_rabbitmq.backoff import Backoff
from rider_queue_rabbitmq.error_mapping import map_error
from rider_queue_rabbitmq.settings import RabbitSettings
from rider_queue_rabbitmq.subscription import Subscription
from rider_queue_rabbitmq.topology import lane_queue

log = logging.getLogger(__name__)

#: Maximum wait for the thread at the end, in seconds: closing takes two at most, an attempt to connect five.
_END_LIMIT_S = 8.0
#: Maximum wait for the first deliveries of all lanes, in seconds; a queue may have lost its majority of nodes.
_POLL_LIMIT_S = 1.0


class RabbitConsumer(TicketConsumer):
    """Its thread starts with the first `fetch`, and sends heartbeats however long a job takes."""

    def __init__(
        self,
        settings: RabbitSettings,
        lanes: Sequence[str],
        return_prefetched: Callable[[], Sequence[Delivery]] | None = None,
    ) -> None:
        for lane in lanes:
            lane_queue(lane)  # refuses an invalid name
        self._settings = settings
        self._lanes = list(dict.fromkeys(lanes))
        self._return_prefetched = return_prefetched
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        # Belongs to that thread: whether `_watch` is scheduled.
        self._watching = False
        # Guards all attributes below; `fetch` waits on it.
        self._changed = threading.Condition()
        self._arrived: deque[Delivery] = deque()  # as many as the prefetch of all lanes allows
        self._subscription: Subscription | None = None
        self._number = 0
        self._ready = False
        self._prefetch = 1
        self._woken = False
        self._fetching = False
        self._fetched = time.monotonic()
        self._paused = False
        self._polled = False
        self._poll_ends = 0.0
        self._fault: BackendUnavailable | None = None

    @property
    def connection(self) -> int:
        with self._changed:
            return self._number if self._ready else 0

    def fetch(self, timeout_s: float) -> list[Delivery]:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._start()
            self._resume_if_paused()
            self._fetching = True
            self._wait_for_arrivals(deadline)
            self._fetching = False
            self._fetched = time.monotonic()
            woken, self._woken = self._woken, False
            if not self._may_deliver():
                if not woken:
                    self._raise_if_unconnected()
                return []
            arrived = list(self._arrived)
            self._arrived.clear()
        return arrived

    def set_prefetch(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"a prefetch of {count} would mean no limit; give 1 or more")
        with self._changed:
            if count == self._prefetch:
                return
            self._prefetch = count
            subscription = self._subscription
        if subscription is not None:
            subscription.set_prefetch(count)

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        subscription = self._subscription
        if subscription is not None and deliveries:  # to wake its thread for nothing costs as much as a job
            subscription.settle(each.token for each in deliveries)

    def release(self, deliveries: Sequence[Delivery]) -> None:
        subscription = self._subscription
        if subscription is not None and deliveries:
            subscription.release(each.token for each in deliveries)

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._stop.set()
            self._changed.notify_all()
            subscription, thread = self._subscription, self._thread
        if subscription is not None:
            subscription.close()
        if thread is not None:
            thread.join(_END_LIMIT_S)

    def _wait_for_arrivals(self, deadline: float) -> None:
        while not self._may_deliver() and not self._woken and not self._stop.is_set():
            now = time.monotonic()
            if now >= deadline:
                return
            end = min(deadline, self._poll_ends) if self._arrived else deadline
            self._changed.wait(end - now)

    def _may_deliver(self) -> bool:
        return bool(self._arrived) and (self._polled or time.monotonic() >= self._poll_ends)

    def _start(self) -> None:
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._serve, name="rider-rabbitmq-consumer", daemon=True)
            self._thread.start()

    def _raise_if_unconnected(self) -> None:
        if self._stop.is_set():
            raise BackendUnavailable("this consumer is closed", remedy="ask the transport for another")
        if not self._ready:
            where = f"RabbitMQ at {self._settings.host}:{self._settings.port}"
            fault = self._fault or BackendUnavailable(f"{where} has not answered yet", remedy="wait a little longer")
            raise BackendUnavailable(fault.message, remedy=fault.remedy)

    def _serve(self) -> None:
        """The thread: one connection after another until `close`."""
        backoff = Backoff()
        outage = _Outage(self._settings)
        while not self._stop.is_set():
            with self._changed:
                self._number += 1
                subscription = self._subscription = Subscription(
                    self._settings,
                    self._lanes,
                    self._prefetch,
                    self._number,
                    on_ready=lambda: self._on_ready(backoff, outage),
                    on_deliveries=self._on_deliveries,
                    on_polled=self._on_polled,
                )
            reason = subscription.run()
            fault = map_error(reason, self._settings)
            with self._changed:
                self._ready = False
                self._fault = fault
                self._arrived.clear()  # RabbitMQ delivers them again
                self._watching = self._paused = self._polled = False
                self._changed.notify_all()
            if not self._stop.is_set():
                outage.begin(fault)
                self._stop.wait(backoff.next_s())

    def _on_ready(self, backoff: Backoff, outage: _Outage) -> None:
        backoff.reset()
        outage.end()
        with self._changed:
            self._ready = True
            self._poll_ends = time.monotonic() + _POLL_LIMIT_S
            self._fault = None
            self._changed.notify_all()

    def _on_deliveries(self, deliveries: list[Delivery]) -> None:
        with self._changed:
            self._arrived.extend(deliveries)
            self._changed.notify_all()
        if self._return_prefetched is not None and not self._watching:
            self._watch()

    def _watch(self) -> None:
        """Check whether the worker runs a long job, as long as it holds a delivery."""
        subscription = self._subscription_now
        with self._changed:
            left_s = LONG_S if self._fetching else self._fetched + LONG_S - time.monotonic()
            self._watching = not self._fetching or subscription.has_unacked
            if self._watching:
                # Also after the start of a long job: the worker may have been about to take a delivery.
                subscription.call_later(left_s if left_s > 0 else LONG_S, self._watch)
            if left_s > 0:
                return
            self._paused = True
            waiting = list(self._arrived)
            self._arrived.clear()
        assert self._return_prefetched is not None
        # Outside the lock: the callback takes a lock of the worker.
        waiting += self._return_prefetched()
        subscription.pause(each.token for each in waiting if each.connection == self._number)

    def _resume_if_paused(self) -> None:
        if self._paused:
            self._paused = self._polled = False
            self._poll_ends = time.monotonic() + _POLL_LIMIT_S
            self._subscription_now.resume()

    def _on_polled(self) -> None:
        with self._changed:
            self._polled = True
            self._changed.notify_all()

    @property
    def _subscription_now(self) -> Subscription:
        """The present subscription. For its own thread, or where a delivery has arrived."""
        assert self._subscription is not None
        return self._subscription


class _Outage:
    """Logs once that RabbitMQ is away, and once that it is back."""

    def __init__(self, settings: RabbitSettings) -> None:
        self._where = f"RabbitMQ at {settings.host}:{settings.port}"
        self._since: float | None = None

    def begin(self, fault: BackendUnavailable) -> None:
        if self._since is None:
            self._since = time.monotonic()
            log.warning("No jobs arrive over RabbitMQ: %s", fault)

    def end(self) -> None:
        if self._since is not None:
            log.warning("%s is back after %.1f s", self._where, time.monotonic() - self._since)
            self._since = None
