"""A broker that a plugin brings (`JobTransport`), as a transport of the job engine."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import redis

from rider_core.api.job_transport import JobTransport, Ticket
from rider_core.api.jobs import AnySpec
from rider_core.errors import BackendUnavailable, RiderError
from rider_core.jobs.broker.source import BrokerSource
from rider_core.jobs.broker.tickets import ticket_from_hash, ticket_from_spec
from rider_core.jobs.store import keys, protocol
from rider_core.jobs.store.functions import job_library
from rider_core.jobs.store.listing import WaitingJob
from rider_core.jobs.store.worker_session import WorkerSession
from rider_core.jobs.transport import Publisher, Transport
from rider_core.redis_functions import Command, ConnectionPool, Function, Library

log = logging.getLogger(__name__)


def broker_library() -> Library:
    """The job store's functions for any broker."""
    signatures = (protocol.LEASE_TICKETS, protocol.LOST_TICKETS, protocol.WITHDRAW)
    return job_library("rider_broker", __package__, (), signatures)


class BrokerTransport(Transport, Publisher):
    """Publishes a ticket for each job after the store has accepted it."""

    def __init__(self, broker: JobTransport) -> None:
        self.name = broker.name
        self._broker = broker

    @property
    def library(self) -> Library:
        return broker_library()

    def waiting_commands(self, lane: str) -> tuple[Command, Command]:
        return ("ZCARD", keys.published_key(lane)), ("ZRANGE", keys.published_key(lane), 0, 0)

    def waiting_after(
        self, connection: redis.Redis, lane: str, last: WaitingJob | None, count: int
    ) -> list[WaitingJob]:
        key = keys.published_key(lane)
        start = 0
        if last is not None:
            rank = cast("int | None", connection.zrank(key, last.job_id))
            # A broker may deliver a job before older ones: where the last one is gone, its time tells the place.
            start = connection.zcount(key, "-inf", repr(last.place)) if rank is None else rank + 1
        entries = cast("list[tuple[bytes, float]]", connection.zrange(key, start, start + count - 1, withscores=True))
        return [WaitingJob(raw, ts) for raw, ts in entries]

    def source(self, connection: redis.Redis, session: WorkerSession) -> BrokerSource:
        return BrokerSource(connection, session, self.library, self._broker)

    def close(self) -> None:
        self._broker.close()

    def publish_accepted(
        self, pool: ConnectionPool, specs: Sequence[tuple[AnySpec, bytes]], answers: Sequence[int], now: float
    ) -> None:
        by_answer: dict[int, list[tuple[AnySpec, bytes]]] = defaultdict(list)
        for spec, answer in zip(specs, answers, strict=True):
            by_answer[answer].append(spec)
        try:
            self._publish(by_answer[protocol.ACCEPTED], now)
        except RiderError:
            # Where Redis is away, too, the jobs stay; they are run, although their submitter gets an error.
            with suppress(redis.RedisError):
                withdraw = Function(pool, self.library, protocol.WITHDRAW)
                withdraw(items=[spec.id for spec, _ in by_answer[protocol.ACCEPTED]])
            raise
        # The first call's answer was lost, perhaps before its ticket was published. A copy does no harm.
        self._publish(by_answer[protocol.NOT_TAKEN_YET], now)

    def publish_requeued(self, hashes: Sequence[tuple[str, dict[bytes, bytes]]]) -> None:
        try:
            self._broker.publish([ticket_from_hash(job_id, fields) for job_id, fields in hashes])
        except BackendUnavailable as error:
            # The job store says that they wait: they are published again when the broker is back.
            log.warning("%d requeued job(s) wait for the broker: %s", len(hashes), error)

    def _publish(self, specs: Sequence[tuple[AnySpec, bytes]], now: float) -> None:
        by_delay: dict[float, list[Ticket]] = defaultdict(list)
        for spec, data in specs:
            by_delay[max(0.0, (spec.due_ts or now) - now)].append(ticket_from_spec(spec, data, now))
        for delay_s, tickets in by_delay.items():
            self._broker.publish(tickets, delay_s)
