"""Jobs from a broker's deliveries: their order, the leases of their jobs, and their acknowledgement."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress

import redis

from rider_core.api.job_transport import Delivery, JobTransport, Ticket
from rider_core.errors import BackendUnavailable
from rider_core.jobs.broker.tickets import ticket_from_hash, ticket_from_result
from rider_core.jobs.leased_job import AttemptResult, LeasedJob, Outcome
from rider_core.jobs.store import keys
from rider_core.jobs.store.functions import LOST_JSON
from rider_core.jobs.store.pauses import paused_queues
from rider_core.jobs.store.protocol import (
    LEASE_TICKETS,
    LOST_TICKETS,
    TICKET_EARLY,
    TICKET_GRANTED,
    TICKET_SOLO,
    WAITS_AGAIN,
    LeasedTicket,
    LeaseHead,
    LostTicketsHead,
)
from rider_core.jobs.store.worker_session import WorkerSession
from rider_core.jobs.transport import AcknowledgingSource
from rider_core.redis_functions import Function, Library
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

#: Number of jobs together from which they count as short, and the smallest prefetch of each lane then.
SHORT_FROM = 16
SHORT_PREFETCH = 128
#: Time in seconds after a long job during which jobs do not count as short: other workers would get most of what this
#: one holds, as redelivered.
LONG_AGO_S = 10.0
#: How long it is believed that no queue was paused, and that workers were not suspended, in seconds.
PAUSES_FRESH_S = 0.5
#: Time in seconds without a delivery after which the lanes are empty.
DRAINED_S = 2.0


class BrokerSource(AcknowledgingSource):
    """Holds deliveries of each lane ready, and leases the jobs of those that come next."""

    def __init__(self, connection: redis.Redis, session: WorkerSession, library: Library, broker: JobTransport) -> None:
        self._redis = connection
        self._session = session
        self._lease_tickets = Function(session.pool, library, LEASE_TICKETS)
        self._lost_tickets = Function(session.pool, library, LOST_TICKETS)
        self._broker = broker
        self._consumer = broker.consumer(session.lanes, self._return_prefetched)
        # Guards `_held`: while a long job runs, the consumer's thread takes deliveries away.
        self._lock = threading.Lock()
        self._held: dict[str, deque[Delivery]] = {lane: deque() for lane in session.lanes}
        self._held_from = 0
        self._last_long: Stopwatch | None = None
        self._idle = Stopwatch.start()
        self._pauses_read: Stopwatch | None = None
        #: The lanes whose queue is not paused; none while `rq suspend` holds the workers back.
        self._open: list[str] = []

    def dequeue(self, limits: Mapping[str, int]) -> list[LeasedJob]:
        self._read_pauses()
        self._receive_now()
        while deliveries := self._next(limits):
            leased_jobs = self._lease(deliveries, limits, batched=len(deliveries) > 1)
            if leased_jobs:
                self._session.count_turn()
                self._set_prefetch(limits.get(leased_jobs[0].task, 1))
                return leased_jobs
        return []

    def dequeue_more(self, lane: str, task: str, number: int) -> list[LeasedJob]:
        self._receive_now()
        with self._lock:
            deliveries = self._of_task(lane, task, number)
        return self._lease(deliveries, {task: number}, batched=True)

    def wait(self, timeout_s: float) -> bool:
        self._read_pauses()
        self._receive(timeout_s)
        if self._has_next():
            self._idle = Stopwatch.start()
            return True
        if self._idle.elapsed_s > self._session.timings.unpublished_check_s:
            self._idle = Stopwatch.start()
            self._publish_lost()
        return False

    def is_drained(self) -> bool:
        return not self.wait(DRAINED_S)

    # A delivery that is neither acknowledged nor returned counts against the prefetch as long as the connection lasts:
    # with too many of them, the broker delivers nothing any more.
    def nack(self, leased_jobs: Sequence[LeasedJob]) -> None:
        self._consumer.release(_deliveries(leased_jobs))

    def ack(self, leased_jobs: Sequence[LeasedJob]) -> None:
        self._consumer.settle(_deliveries(leased_jobs))

    def settle(self, results: Sequence[AttemptResult], answers: Sequence[int]) -> None:
        """Where the broker does not take a new ticket, the old one is returned: it is delivered again."""
        by_delay: dict[float, list[AttemptResult]] = defaultdict(list)
        settled = []
        for result, answer in zip(results, answers, strict=True):
            if answer == WAITS_AGAIN:
                by_delay[result.delay_s].append(result)
            else:
                settled.append(result)
        for delay_s, waiting in by_delay.items():
            # A released job keeps its ticket, which is returned.
            self.nack([result.leased for result in waiting if result.outcome is Outcome.RELEASED])
            others = [result for result in waiting if result.outcome is not Outcome.RELEASED]
            try:
                self._broker.publish([ticket_from_result(result) for result in others], delay_s)
                settled += others
            except BackendUnavailable as error:
                log.warning("the broker did not take %d job(s) for another attempt: %s", len(others), error)
                self.nack([result.leased for result in others])
        self.ack([result.leased for result in settled])

    def publish_again(self, ids: Sequence[str]) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                pipeline.hgetall(keys.job_key(job_id))
            hashes = pipeline.execute()
        tickets = [ticket_from_hash(job_id, fields) for job_id, fields in zip(ids, hashes, strict=True) if fields]
        if tickets:
            self._broker.publish(tickets)

    def close(self) -> None:
        self._consumer.close()

    def _receive_now(self) -> None:
        """Sort the deliveries that have arrived. Where the broker is away, there are none; `wait` raises."""
        with suppress(BackendUnavailable):
            self._receive(0.0)

    def _receive(self, timeout_s: float) -> None:
        """Sort deliveries into their lanes. Those of a lost connection are delivered to another worker by now."""
        try:
            arrived = self._consumer.fetch(timeout_s)
        finally:
            self._forget_lost_connection()
        with self._lock:
            for delivery in arrived:
                if delivery.connection == self._held_from and delivery.ticket.lane in self._held:
                    self._held[delivery.ticket.lane].append(delivery)

    def _forget_lost_connection(self) -> None:
        if self._consumer.connection != self._held_from:
            self._held_from = self._consumer.connection
            self._take_all_held()

    def _return_prefetched(self) -> list[Delivery]:
        """Called on the consumer's thread while a long job runs: its prefetched deliveries go to other workers."""
        self._last_long = self._idle = Stopwatch.start()
        return self._take_all_held()

    def _take_all_held(self) -> list[Delivery]:
        with self._lock:
            taken = [delivery for held in self._held.values() for delivery in held]
            for held in self._held.values():
                held.clear()
        return taken

    def _next(self, limits: Mapping[str, int]) -> list[Delivery]:
        """The tickets that come next: of the most urgent lane, or of the one with the oldest where it is its turn."""
        with self._lock:
            lanes = self._lanes_with_jobs()
            if not lanes:
                return []
            if self._session.oldest_first:
                lanes.sort(key=lambda lane: self._held[lane][0].ticket.submitted_ts)
            first = self._held[lanes[0]].popleft()
            if first.ticket.alone:
                return [first]
            task = first.ticket.task
            return [first, *self._of_task(lanes[0], task, limits.get(task, 1) - 1)]

    def _of_task(self, lane: str, task: str, number: int) -> list[Delivery]:
        """Up to `number` tickets from the front of a lane that may run together. With the lock held."""
        held = self._held[lane] if lane in self._open else deque[Delivery]()
        chosen: list[Delivery] = []
        while len(chosen) < number and held and held[0].ticket.task == task and not held[0].ticket.alone:
            chosen.append(held.popleft())
        return chosen

    def _has_next(self) -> bool:
        with self._lock:
            return bool(self._lanes_with_jobs())

    def _lanes_with_jobs(self) -> list[str]:
        """Those from which a job may be taken now. With the lock held."""
        return [lane for lane in self._open if self._held[lane]]

    def _read_pauses(self) -> None:
        """Twice a second. What arrives of closed lanes is held meanwhile: each lane has a prefetch of its own."""
        if self._pauses_read is None or self._pauses_read.elapsed_s > PAUSES_FRESH_S:
            self._pauses_read = Stopwatch.start()
            suspended = bool(self._redis.exists(keys.suspended_key()))
            paused = paused_queues(self._redis)
            closed = {lane for queue in paused for lane in keys.lanes_of(queue)}
            before, self._open = (
                self._open,
                [lane for lane in self._session.lanes if lane not in closed and not suspended],
            )
            if self._open != before:
                self._idle = Stopwatch.start()  # what waited in a paused lane is not lost

    def _lease(self, deliveries: list[Delivery], limits: Mapping[str, int], batched: bool) -> list[LeasedJob]:
        """The jobs that the store leases; other tickets are acknowledged, kept for later, or published with a delay.

        Args:
            batched: They will run together with others.
        """
        if not deliveries:
            return []
        attempt = self._session.new_attempt()
        short = int(limits.get(deliveries[0].ticket.task, 1) > 1)
        head = LeaseHead(*attempt, short, int(batched), LOST_JSON)
        try:
            answers = self._lease_tickets(head, [_leased_ticket(delivery) for delivery in deliveries])
        except redis.RedisError:
            self._consumer.release(deliveries)
            raise
        leased_jobs: list[LeasedJob] = []
        over: list[Delivery] = []
        solo: list[Delivery] = []
        for delivery, (answer, *values) in zip(deliveries, answers, strict=True):
            ticket = delivery.ticket
            if answer == TICKET_GRANTED:
                number, metadata = values
                leased_jobs.append(
                    LeasedJob(
                        ticket.job_id,
                        ticket.lane,
                        ticket.task,
                        ticket.body,
                        number,
                        attempt.execution,
                        metadata.decode("utf-8", "replace"),
                        attempt.now,
                        delivery,
                    )
                )
            elif answer == TICKET_SOLO:
                solo.append(delivery)
            else:
                if answer == TICKET_EARLY:
                    due_ts, attempts = values
                    self._postpone(ticket.renewed(attempt=attempts), float(due_ts))
                over.append(delivery)
        self._consumer.settle(over)
        self._hold_solo(solo)
        if leased_jobs:
            self._session.shows_work(leased_jobs[0].task, limits)
        return leased_jobs

    def _hold_solo(self, deliveries: Sequence[Delivery]) -> None:
        """They come next in their lanes, each alone; those of a lost connection are delivered to another worker."""
        with self._lock:
            for delivery in reversed([held for held in deliveries if held.connection == self._consumer.connection]):
                ticket = delivery.ticket._replace(alone=True)
                self._held[ticket.lane].appendleft(delivery._replace(ticket=ticket))

    def _postpone(self, ticket: Ticket, due_ts: float) -> None:
        try:
            self._broker.publish([ticket], max(0.0, due_ts - time.time()))
        except BackendUnavailable as error:
            # The other jobs of the call are leased already. This one is found by `lost_tickets`, and published then.
            log.warning("the broker did not take job %s, which is not due yet: %s", ticket.job_id, error)

    def _set_prefetch(self, limit: int) -> None:
        """Hold tickets ready where jobs are short; else only as many as run together."""
        long_ago = self._last_long is None or self._last_long.elapsed_s > LONG_AGO_S
        short = limit >= SHORT_FROM and long_ago
        # A broker takes back its deliveries when the number changes, so it moves in steps.
        self._consumer.set_prefetch(max(SHORT_PREFETCH, _power_of_two(2 * limit)) if short else _power_of_two(limit))

    def _publish_lost(self) -> None:
        """Publish lost tickets again, but not those of paused lanes: these jobs wait for the end of the pause."""
        if not self._open:
            return
        now = time.time()
        head = LostTicketsHead(now, now - self._session.timings.unpublished_s)
        ids = [raw.decode("utf-8", "replace") for raw in self._lost_tickets(head, self._open)]
        if ids:
            log.warning("%d job(s) wait of which the broker knows nothing; they are published again", len(ids))
            self.publish_again(ids)


def _power_of_two(number: int) -> int:
    """The largest power of two that is not above the number."""
    return 1 << (number.bit_length() - 1)


def _leased_ticket(delivery: Delivery) -> LeasedTicket:
    ticket = delivery.ticket
    return LeasedTicket(ticket.job_id, ticket.attempt, ticket.nonce, int(delivery.redelivered))


def _deliveries(leased_jobs: Sequence[LeasedJob]) -> list[Delivery]:
    return [leased.delivery for leased in leased_jobs if leased.delivery is not None]
