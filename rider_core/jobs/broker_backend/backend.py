"""Submitting through a broker: first into the ledger, then onto the way."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

import redis

from rider_core.api.job_transport import JobTransport, Ticket, new_nonce
from rider_core.api.jobs import AnySpec
from rider_core.api.tasks import task_named
from rider_core.errors import BackendUnavailable, RiderError
from rider_core.jobs.broker_backend.desk import BrokerDesk
from rider_core.jobs.broker_backend.tickets import ticket_from_hash
from rider_core.jobs.ledger import ClaimDesk, LedgerBackend, keys
from rider_core.jobs.timings import DEFAULT_TIMINGS, JobTimings

log = logging.getLogger(__name__)


class BrokerBackend(LedgerBackend):
    """Jobs that a `JobTransport` carries."""

    def __init__(self, connection: redis.Redis, transport: JobTransport, timings: JobTimings = DEFAULT_TIMINGS) -> None:
        """
        Args:
            connection: With `decode_responses=False`.
        """
        super().__init__(connection, timings, broker=True)
        self.name = transport.name  # type: ignore[misc]  # the class has none: one adapter serves every broker
        self._transport = transport

    def desk(self, worker: str, queues: Sequence[str]) -> ClaimDesk:
        return BrokerDesk(self._redis, worker, queues, self.timings, self._transport)

    def close(self) -> None:
        self._transport.close()
        super().close()

    def _accepted(self, orders: Sequence[tuple[AnySpec, bytes]], answers: Sequence[int], now: float) -> None:
        new = [order for order, answer in zip(orders, answers, strict=True) if answer == 1]
        try:
            self._publish(new, now)
        except RiderError:
            # Where Redis is away, too, the jobs stay; they are run, although their caller was told otherwise.
            with suppress(redis.RedisError):
                self._functions.withdraw([order.id for order, _ in new])
            raise
        # The answer of the first time was lost, perhaps before anything was published. A copy does no harm.
        self._publish([order for order, answer in zip(orders, answers, strict=True) if answer == 2], now)

    def _publish(self, orders: Sequence[tuple[AnySpec, bytes]], now: float) -> None:
        by_delay: dict[float, list[Ticket]] = defaultdict(list)
        for order, data in orders:
            task = task_named(order.task)
            ticket = Ticket(
                job_id=order.id,
                lane=keys.lane_of(task.queue, order.priority),
                task=order.task,
                attempt=0,
                alone=(order.retry or task.retry).max_attempts == 1,
                submitted_ts=now,
                body=data,
                nonce=new_nonce(),
            )
            by_delay[max(0.0, (order.due_ts or now) - now)].append(ticket)
        for delay_s, tickets in by_delay.items():
            self._transport.publish(tickets, delay_s)

    def _requeued(self, hashes: Sequence[tuple[str, dict[bytes, bytes]]]) -> None:
        try:
            self._transport.publish([ticket_from_hash(job_id, fields) for job_id, fields in hashes])
        except BackendUnavailable as error:
            # The ledger says that they wait: they are published again when the broker is back.
            log.warning("%d requeued job(s) wait for the broker: %s", len(hashes), error)
