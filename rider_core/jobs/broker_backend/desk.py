"""Working on what a broker hands out: which ticket is next, what the ledger says to it, when it is settled."""

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
from rider_core.jobs.broker_backend.tickets import ticket_from_hash
from rider_core.jobs.ledger import keys
from rider_core.jobs.ledger.desk import LOST_JSON, Claim, ClaimDesk, Ended, Outcome
from rider_core.jobs.timings import JobTimings
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

#: From so many jobs together on they count as short, and so many of each lane at least are held ready.
SHORT_FROM = 16
HELD_READY = 128
#: ... but not for so many seconds after something long: others would get most of what is held, as if it had been begun.
LONG_AGO_S = 10.0
#: Lanes out of which nothing has come for so long are empty.
DRAINED_S = 2.0
#: The ledger's answer where a job may not be run together with others; see `lua/claim.lua`.
ALONE = -1


class BrokerDesk(ClaimDesk):
    """Claims out of a broker's lanes."""

    def __init__(
        self,
        connection: redis.Redis,
        worker: str,
        queues: Sequence[str],
        timings: JobTimings,
        transport: JobTransport,
    ) -> None:
        super().__init__(connection, worker, queues, timings, broker=True)
        self._transport = transport
        self._consumer = transport.consumer(self.lanes, self._surrender)
        # Guards what is held: while a long job runs, the consumer's thread takes it away.
        self._hands = threading.Lock()
        self._held: dict[str, deque[Delivery]] = {lane: deque() for lane in self.lanes}
        self._held_from = 0
        self._last_long: Stopwatch | None = None
        self._idle = Stopwatch.start()
        self._asked: Stopwatch | None = None
        self._suspension = False

    def take(self, limits: Mapping[str, int] | None = None) -> list[Claim]:
        limits = limits or {}
        if self._suspended():
            return []
        self._look()
        while deliveries := self._next(limits):
            claims = self._claimed(deliveries, limits, together=len(deliveries) > 1)
            if claims:
                self._turn += 1
                self._set_prefetch(limits.get(claims[0].task, 1))
                return claims
        return []

    def take_more(self, lane: str, task: str, number: int) -> list[Claim]:
        self._look()
        with self._hands:
            deliveries = self._of_task(lane, task, number)
        return self._claimed(deliveries, {task: number}, together=True)

    def wait_for_more(self, timeout_s: float) -> bool:
        self._receive(timeout_s)
        if any(self._held.values()):
            self._idle = Stopwatch.start()
            return True
        if self._idle.elapsed_s > self.timings.unpublished_check_s:
            self._idle = Stopwatch.start()
            self._ask_for_overdue()
        return False

    def is_drained(self) -> bool:
        # While workers are suspended nothing is given to it, whatever it holds.
        return self._suspended() or not self.wait_for_more(DRAINED_S)

    def commit(self, ended: Sequence[Ended]) -> list[bool]:
        answers = self._functions.finish(self._finish_arguments(ended))
        self._close_accounts(ended, answers)
        return [bool(kept) for kept in answers]

    def exchange(self, ended: Sequence[Ended], limits: Mapping[str, int] | None) -> tuple[list[bool], list[Claim]]:
        return self.commit(ended), self.take(limits) if limits is not None else []

    # Whatever is neither settled nor released counts against the prefetch as long as the connection lasts: too many of
    # them, and nothing comes any more.
    def abandon(self, claims: Sequence[Claim]) -> None:
        self._consumer.release(_deliveries(claims))

    def dismiss(self, claims: Sequence[Claim]) -> None:
        self._consumer.settle(_deliveries(claims))

    def close(self) -> None:
        self._consumer.close()
        super().close()

    def _look(self) -> None:
        """Take in what has arrived. Where the broker is away, that is nothing; `wait_for_work` says it."""
        with suppress(BackendUnavailable):
            self._receive(0.0)

    def _receive(self, timeout_s: float) -> None:
        """Sort what has arrived into its lanes. What a lost connection brought is somebody else's by now."""
        try:
            arrived = self._consumer.fetch(timeout_s)
        finally:
            self._forget_lost_connection()
        with self._hands:
            for delivery in arrived:
                if delivery.connection == self._held_from and delivery.ticket.lane in self._held:
                    self._held[delivery.ticket.lane].append(delivery)

    def _forget_lost_connection(self) -> None:
        if self._consumer.connection != self._held_from:
            self._held_from = self._consumer.connection
            self._empty_hands()

    def _surrender(self) -> list[Delivery]:
        """On the consumer's thread: a long job runs."""
        self._last_long = self._idle = Stopwatch.start()
        return self._empty_hands()

    def _empty_hands(self) -> list[Delivery]:
        with self._hands:
            emptied = [delivery for held in self._held.values() for delivery in held]
            for held in self._held.values():
                held.clear()
        return emptied

    def _next(self, limits: Mapping[str, int]) -> list[Delivery]:
        """The tickets that come next: of the most urgent lane, or of the one with the oldest where it is its turn."""
        with self._hands:
            lanes = [lane for lane in self.lanes if self._held[lane]]
            if not lanes:
                return []
            if self._fair_turn():
                lanes.sort(key=lambda lane: self._held[lane][0].ticket.submitted_ts)
            first = self._held[lanes[0]].popleft()
            if first.ticket.alone:
                return [first]
            task = first.ticket.task
            return [first, *self._of_task(lanes[0], task, limits.get(task, 1) - 1)]

    def _of_task(self, lane: str, task: str, number: int) -> list[Delivery]:
        """Up to so many tickets from the front of a lane that may be run together. With the hands locked."""
        held = self._held[lane]
        chosen: list[Delivery] = []
        while len(chosen) < number and held and held[0].ticket.task == task and not held[0].ticket.alone:
            chosen.append(held.popleft())
        return chosen

    def _suspended(self) -> bool:
        """Whether `rq suspend` holds the workers back; asked once a second."""
        if self._asked is None or self._asked.elapsed_s > 1:
            self._asked = Stopwatch.start()
            self._suspension = bool(self._redis.exists("rq:suspended"))
        return self._suspension

    def _claimed(self, deliveries: list[Delivery], limits: Mapping[str, int], together: bool) -> list[Claim]:
        """The claims that the ledger grants; the other tickets are settled, kept for later, or put off.

        Args:
            together: They will be run together with others.
        """
        if not deliveries:
            return []
        attempt = self._attempt_arguments()
        arguments = [part for delivery in deliveries for part in _claim_arguments(delivery)]
        try:
            short = int(limits.get(deliveries[0].ticket.task, 1) > 1)
            answers = self._functions.claim([*attempt, short, int(together), LOST_JSON, *arguments])
        except redis.RedisError:
            self._consumer.release(deliveries)
            raise
        claims: list[Claim] = []
        over: list[Delivery] = []
        alone: list[Delivery] = []
        for delivery, answer in zip(deliveries, answers, strict=True):
            ticket = delivery.ticket
            if isinstance(answer, bytes):
                due_ts, attempts = answer.split()
                self._put_off(ticket.renewed(attempt=int(attempts)), float(due_ts))
                over.append(delivery)
            elif answer == 0:
                over.append(delivery)
            elif answer == ALONE:
                alone.append(delivery)
            else:
                _, execution, now, *_ = attempt
                number, about = answer
                claims.append(
                    Claim(
                        ticket.job_id,
                        ticket.lane,
                        ticket.task,
                        ticket.body,
                        number,
                        execution,
                        about.decode("utf-8", "replace"),
                        now,
                        delivery,
                    )
                )
        self._consumer.settle(over)
        self._hold_alone(alone)
        if claims:
            self._now_works(claims[0].task, limits)
        return claims

    def _hold_alone(self, deliveries: Sequence[Delivery]) -> None:
        """They come next in their lanes, each alone; those of a lost connection are somebody else's by now."""
        with self._hands:
            for delivery in reversed([each for each in deliveries if each.connection == self._consumer.connection]):
                ticket = delivery.ticket._replace(alone=True)
                self._held[ticket.lane].appendleft(delivery._replace(ticket=ticket))

    def _put_off(self, ticket: Ticket, due_ts: float) -> None:
        try:
            self._transport.publish([ticket], max(0.0, due_ts - time.time()))
        except BackendUnavailable as error:
            # The others in hand are claimed already. This one is missed when it is overdue, and published then.
            log.warning("the broker did not take job %s, which is not due yet: %s", ticket.job_id, error)

    def _set_prefetch(self, limit: int) -> None:
        """Hold tickets ready where jobs are short; else only as many as are taken together."""
        long_ago = self._last_long is None or self._last_long.elapsed_s > LONG_AGO_S
        short = limit >= SHORT_FROM and long_ago
        # A broker takes back what is under way when the number changes, so it moves in steps.
        self._consumer.set_prefetch(max(HELD_READY, _power_of_two(2 * limit)) if short else _power_of_two(limit))

    def _close_accounts(self, ended: Sequence[Ended], answers: Sequence[int]) -> None:
        """Settle the tickets of what has ended; what is tried again gets a new one first.

        Where the broker takes none, the old one goes back: it comes again, and the ledger knows what it is for.
        """
        again: dict[float, list[Ended]] = defaultdict(list)
        settled = []
        for one, answer in zip(ended, answers, strict=True):
            if answer == 2:
                again[one.delay_s].append(one)
            else:
                settled.append(one)
        for delay_s, many in again.items():
            # An unstarted one is given back as it is.
            self.abandon([one.claim for one in many if one.outcome is one.outcome.UNSTARTED])
            rest = [one for one in many if one.outcome is not one.outcome.UNSTARTED]
            try:
                self._transport.publish([_another(one) for one in rest], delay_s)
                settled += rest
            except BackendUnavailable as error:
                log.warning("the broker did not take %d job(s) for another attempt: %s", len(rest), error)
                self.abandon([one.claim for one in rest])
        self.dismiss([one.claim for one in settled])

    def _publish_again(self, ids: Sequence[str]) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                pipeline.hgetall(keys.job_key(job_id))
            hashes = pipeline.execute()
        tickets = [ticket_from_hash(job_id, fields) for job_id, fields in zip(ids, hashes, strict=True) if fields]
        if tickets:
            self._transport.publish(tickets)

    def _ask_for_overdue(self) -> None:
        now = time.time()
        ids = [
            raw.decode("utf-8", "replace")
            for raw in self._functions.overdue([now, now - self.timings.unpublished_s, *self.lanes])
        ]
        if ids:
            log.warning("%d job(s) wait of which the broker knows nothing; they are published again", len(ids))
            self._publish_again(ids)


def _power_of_two(number: int) -> int:
    """The largest that is not above it."""
    return 1 << (number.bit_length() - 1)


def _claim_arguments(delivery: Delivery) -> tuple[str, int, str, int]:
    ticket = delivery.ticket
    return ticket.job_id, ticket.attempt, ticket.nonce, int(delivery.redelivered)


def _deliveries(claims: Sequence[Claim]) -> list[Delivery]:
    return [claim.delivery for claim in claims if claim.delivery is not None]


def _another(one: Ended) -> Ticket:
    assert one.claim.delivery is not None
    ticket = one.claim.delivery.ticket
    if one.outcome is Outcome.LATER:
        return ticket.renewed(attempt=one.claim.attempt - 1, alone=ticket.alone)
    return ticket.renewed(attempt=one.claim.attempt, alone=True)
