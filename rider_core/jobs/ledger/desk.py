"""The side of the job port that works: taking jobs on lease, keeping the leases, committing what came of them."""

from __future__ import annotations

import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from secrets import token_hex
from typing import Any, ClassVar, NamedTuple

import redis

from rider_core.api.job_transport import Delivery
from rider_core.api.jobs import JobProblem, Progress
from rider_core.jobs.ledger import keys
from rider_core.jobs.ledger.codec import LOST, Told, event, packed_trace, quoted, rq_time
from rider_core.jobs.ledger.functions import Functions
from rider_core.jobs.ledger.line import Line
from rider_core.jobs.ledger.reports import Report, items_of
from rider_core.jobs.timings import JobTimings

log = logging.getLogger(__name__)

#: One of so many times the job is taken that has waited longest, whatever its priority and queue: nothing starves.
FAIR_TURN = 8
#: RQ's record of a worker that has had nothing to do for so long says that it is idle.
IDLE_AFTER_S = 0.1
#: How long Redis may take to confirm that a channel is heard.
CONFIRM_LIMIT_S = 5.0

LOST_JSON = LOST.model_dump_json()


class Outcome(str, Enum):
    DONE = "done"
    FAILED = "failed"
    HOPELESS = "hopeless"
    EXPIRED = "expired"
    #: Not begun: somebody else may have it, and the attempt does not count.
    UNSTARTED = "unstarted"
    #: The same, for as long as `delay_s` says: nobody could do it now.
    LATER = "later"


#: The outcomes of what nobody has worked on.
NOT_BEGUN = (Outcome.UNSTARTED, Outcome.LATER)


class Claim(NamedTuple):
    """One attempt at one job, held by this worker as long as its lease is kept.

    Attributes:
        id: The job's id.
        lane: Where it came from.
        task: Such as `text.generate`; empty for a job that RQ's own tools made.
        data: RQ's `data` field; `codec.order_from_data` reads it.
        attempt: 1 for the first start.
        execution: Names this attempt; only its holder may commit.
        about: What `codec.Told` is.
        started_ts: Seconds since the epoch, as the ledger has it.
        delivery: What the broker handed out for it, where there is one.
        ahead: It was leased ahead, at `started_ts`, and is not begun.
    """

    id: str
    lane: str
    task: str
    data: bytes
    attempt: int
    execution: str
    about: str
    started_ts: float
    delivery: Delivery | None = None
    ahead: bool = False

    @property
    def sociable(self) -> bool:
        """Whether it may be run together with others, as `sociable` in `lua/leases.lua` says it."""
        return self.attempt == 1 and int(Told.of(self.about).max_attempts or 1) > 1


class Ended(NamedTuple):
    """What came of a claim.

    Attributes:
        body: The result, or the problem, in JSON.
        delay_s: How long the job rests before another attempt, where its outcome and policy allow one.
    """

    claim: Claim
    outcome: Outcome
    body: str | bytes = ""
    provider: str = ""
    mock: bool = False
    traceback: str = ""
    delay_s: float = 0.0

    @classmethod
    def with_problem(cls, claim: Claim, outcome: Outcome, problem: JobProblem, **more: Any) -> Ended:
        return cls(claim, outcome, problem.model_dump_json(), **more)


class ClaimDesk(ABC):
    """Hands out claims to one worker. `commit`, `heartbeat` and `reap` may be called from other threads.

    Attributes:
        prefetches: Whether it can `prefetch`.
    """

    prefetches: ClassVar[bool] = False

    def __init__(
        self, connection: redis.Redis, worker: str, queues: Sequence[str], timings: JobTimings, broker: bool
    ) -> None:
        """
        Args:
            connection: With `decode_responses=False` and a socket timeout above the longest `wait_for_work`.
            worker: Name of the worker, as RQ knows it.
            queues: Our queues, the preferred one first; high priorities of all go before normal ones of any.
        """
        self.timings = timings
        self._redis = connection
        self._line = Line(connection)
        self._functions = Functions(self._line, broker)
        self._worker = worker
        by_queue = [keys.lanes_of(queue) for queue in queues]
        self.lanes = [lane for same_priority in zip(*by_queue, strict=True) for lane in same_priority]
        self._turn = 0
        #: What RQ's record of the worker shows: idle, busy, or job, which is busy with the job that it works on.
        self._shown = "idle"
        self._cancels: Any = None

    @abstractmethod
    def take(self, limits: Mapping[str, int] | None = None) -> list[Claim]:
        """The most urgent waiting jobs, leased to us: of one lane and task. Empty: nothing waits.

        Args:
            limits: How many jobs of a task may be taken together; of others it is one. One that failed or was lost
                before is always taken alone, and so is one that has a single attempt.
        """

    @abstractmethod
    def take_more(self, lane: str, task: str, number: int) -> list[Claim]:
        """Up to so many jobs that may be run together with others, if they come next in their lane."""

    def wait_for_work(self, timeout_s: float) -> None:
        """Return when something may be there to take, or after `timeout_s` seconds. For a worker that has nothing."""
        if self._shown != "idle":
            first_s = min(timeout_s, IDLE_AFTER_S)
            if self.wait_for_more(first_s):
                return
            self._rest()
            timeout_s -= first_s
        if timeout_s > 0:
            self.wait_for_more(timeout_s)

    @abstractmethod
    def wait_for_more(self, timeout_s: float) -> bool:
        """Whether something may be there to take, within `timeout_s` seconds. For a worker that has something."""

    def is_drained(self) -> bool:
        """Whether nothing waits, for a worker that was given nothing and would end."""
        return True

    @abstractmethod
    def commit(self, ended: Sequence[Ended]) -> list[bool]:
        """Commit what came of claims. False: that one's lease was lost, and nothing was stored. From any thread."""

    @abstractmethod
    def exchange(self, ended: Sequence[Ended], limits: Mapping[str, int] | None) -> tuple[list[bool], list[Claim]]:
        """Commit what came of the last claims that were held, and take the next ones, together.

        Args:
            limits: As for `take`. None: take nothing.

        Returns:
            For each of `ended` whether it was committed (False: its lease was lost, and nothing was stored), and the
            new claims.
        """

    def prefetch(
        self,
        ended: Sequence[Ended],
        begun: Sequence[Claim],
        limits: Mapping[str, int] | None,
        on_sent: Callable[[], None],
    ) -> tuple[list[bool], list[Claim]]:
        """`exchange` beside the worker, which is at work: from another thread, but from one at a time.

        The new claims are leased ahead: no attempt is counted, and if the worker dies they go back as they were. When
        it begins them, its next `prefetch` has to say so.

        Args:
            begun: Claims of the last `prefetch`, as they begin now: at their `started_ts`, and not `ahead` any more.
            limits: As for `exchange`; where something is to be taken, `begun` are short.
            on_sent: Called when all this is on its way: the death of the worker does not stop it any more.
        """
        raise NotImplementedError

    def commit_items(self, claim: Claim, report: Report, progress: Progress, provider: str, mock: bool) -> bool:
        """Store what came of some items of a batch. False: the lease was lost.

        Args:
            progress: How far the batch is with them.
        """
        arguments = [claim.id, claim.execution, time.time(), provider, int(mock), progress.done, progress.failed]
        return bool(self._functions.progress([*arguments, report.to_json()]))

    def items_known(self, claim: Claim) -> tuple[set[int], set[int]]:
        """The items of a batch that earlier attempts brought to their end, and those that failed in the last one."""
        reports = self._line.call("LRANGE", keys.items_key(claim.id), 0, -1)
        items = list(enumerate(items_of(reports, int(Told.of(claim.about).items))))
        return {n for n, item in items if item.result is not None}, {n for n, item in items if item.problem}

    def heartbeat(self, claims: Sequence[Claim]) -> list[Claim]:
        """Extend the leases. Returns those that are lost, and so is what these attempts will bring."""
        now = time.time()
        arguments = [part for claim in claims for part in (claim.id, claim.lane, claim.execution)]
        answers = self._functions.heartbeat([self._worker, now, rq_time(now), self.timings.lease_s, *arguments])
        return [claim for claim, kept in zip(claims, answers, strict=True) if not kept]

    def reap(self) -> int:
        """Take back the jobs whose leases ran out, and let those try again that may. How many may."""
        now = time.time()
        lost, strayed = self._functions.reap([now, rq_time(now), LOST_JSON, self.timings.lease_s, *self.lanes])
        ids = [raw.decode("utf-8", "replace") for raw in (*lost, *strayed)]
        if strayed:
            log.warning(
                "%d job(s) were taken by a program that is not Rider-PC's and put away as failed; they wait again: %s "
                "(what serves our queues is seen with: rq info)",
                len(strayed),
                ", ".join(ids[-len(strayed) :][:5]),
            )
        self._publish_again(ids)
        return len(ids)

    def hear_cancellations(self) -> None:
        """From here on `next_cancelled` tells of all of them: to be called before the first job is taken."""
        pubsub: Any = self._redis.pubsub  # redis-py leaves it untyped
        self._cancels = pubsub(ignore_subscribe_messages=True)
        self._cancels.subscribe(keys.CANCEL_CHANNEL.format(worker=self._worker))
        self._cancels.get_message(timeout=CONFIRM_LIMIT_S)  # that it is subscribed

    def next_cancelled(self, timeout_s: float) -> str | None:
        """Id of a job that was cancelled while this worker ran it; None after `timeout_s` seconds, or when woken.

        For one thread; the word may be lost while Redis is away, and then the next `heartbeat` says it.
        """
        message = self._cancels.get_message(timeout=timeout_s)
        return message["data"].decode("utf-8", "replace") or None if message else None

    def wake(self) -> None:
        """End the wait of `next_cancelled` in another thread."""
        self._redis.publish(keys.CANCEL_CHANNEL.format(worker=self._worker), b"")

    def announce(self, tasks: Sequence[str], engines: Mapping[str, str]) -> None:
        """Say which tasks this worker can do; the word lives and dies with RQ's record of the worker.

        Args:
            engines: Task to the engines that are open for it: named where the worker dies at its work.
        """
        told: dict[Any, Any] = {"rider_tasks": json.dumps(list(tasks)), "rider_engines": json.dumps(dict(engines))}
        self._redis.hset(f"rq:worker:{self._worker}", mapping=told)

    def step_back(self) -> list[Claim]:
        """Be handed nothing any more. Returns what was, and `take` has not given out yet."""
        return []

    # Not abstract: without a broker there is nothing to do.
    def abandon(self, claims: Sequence[Claim]) -> None:  # noqa: B027
        """What came of these could not be stored; their leases run out, or others may have them before."""

    def dismiss(self, claims: Sequence[Claim]) -> None:  # noqa: B027
        """Nobody wants what comes of these: they were cancelled, or are another worker's now."""

    def close(self) -> None:
        """Give back what is held and not yet claimed."""
        with suppress(redis.RedisError):
            if self._shown != "idle":
                self._rest()
        self._line.close()

    def _publish_again(self, ids: Sequence[str]) -> None:  # noqa: B027
        """Jobs wait again; a broker must be handed new tickets for them."""

    def _rest(self) -> None:
        self._functions.rest([self._worker])
        self._shown = "idle"

    def _fair_turn(self) -> bool:
        """Whether it is the turn of the oldest."""
        return self._turn % FAIR_TURN == FAIR_TURN - 1

    def _attempt_arguments(self) -> list[Any]:
        """What `take` and `claim` begin with: worker, execution, now twice, when the leases end, what is shown."""
        now = time.time()
        return [self._worker, token_hex(16), now, rq_time(now), now + self.timings.lease_s, self._shown]

    def _now_works(self, task: str, limits: Mapping[str, int]) -> None:
        """It has taken jobs of that task: `lua/leases.lua` shows the first one where they are not short."""
        self._shown = "busy" if limits.get(task, 1) > 1 else "job"

    def _finish_arguments(self, ended: Sequence[Ended]) -> list[Any]:
        now = time.time()
        arguments: list[Any] = [self._worker, now, rq_time(now), now + keys.RESULT_TTL_S]
        for one in ended:
            claim, told = one.claim, Told.of(one.claim.about)
            submitted_ts = float(told.submitted_ts) if told.submitted_ts else None
            arguments += claim.id, claim.lane, claim.execution, told.task, _marks(one, told)
            arguments += now - claim.started_ts, "" if submitted_ts is None else now - submitted_ts
            arguments += one.outcome.value, one.provider, one.body, one.traceback, _trace_for_rq(one), one.delay_s
            done = one.outcome is Outcome.DONE
            arguments.append(self._done_event(one, told, now, submitted_ts) if done else "")
        return arguments

    def _done_event(self, one: Ended, told: Told, now: float, submitted_ts: float | None) -> str:
        claim = one.claim
        waited = "" if submitted_ts is None else f',"waited_ms":{1000 * (claim.started_ts - submitted_ts):.0f}'
        mock = "true" if one.mock else "false"
        more = (
            f',"worker":{quoted(self._worker)},"provider":{quoted(one.provider)},"mock":{mock}'
            f'{waited},"ran_ms":{1000 * (now - claim.started_ts):.0f}'
        )
        return event("job.done", now, claim.id, told, claim.attempt, self._worker, more)


def _trace_for_rq(one: Ended) -> str:
    """The traceback, or where there is none, the problem; what ended well or may go on has none."""
    if one.outcome not in (Outcome.FAILED, Outcome.HOPELESS):
        return ""
    return packed_trace(one.traceback or JobProblem.model_validate_json(one.body).message)


def _marks(one: Ended, told: Told) -> str:
    """What `lua/finish.lua` must know beside."""
    retried = one.claim.attempt > 1
    long = len(one.claim.data) > keys.LONG_DATA_BYTES
    return "m" * one.mock + "s" * (told.stream == "1") + "b" * told.is_batch + "r" * retried + "l" * long
