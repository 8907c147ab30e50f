"""The side of the job port that works: taking jobs on lease, keeping the leases, committing what came of them."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast
from uuid import uuid4

import redis

from rider_core.api.job_transport import Delivery
from rider_core.api.jobs import JobProblem
from rider_core.jobs.ledger import keys
from rider_core.jobs.ledger.codec import DONE, FAILED, rq_time
from rider_core.jobs.ledger.line import Line
from rider_core.jobs.ledger.scripts import Scripts

#: A lease is extended every 5 s, so four extensions may fail before a job is taken away from a living worker; and a
#: killed worker's job is back in its queue within 30 s, the time until somebody looks included.
LEASE_S = 20
#: One of so many times the job is taken that has waited longest, whatever its priority and queue: nothing starves.
FAIR_TURN = 8
HEARTBEAT_EVERY_S = 5.0

LOST = JobProblem(code="lost", message="the worker that ran it ended or stopped answering").model_dump_json()


class Outcome(str, Enum):
    DONE = "done"
    FAILED = "failed"
    HOPELESS = "hopeless"
    EXPIRED = "expired"
    #: Not begun: somebody else may have it, and the attempt does not count.
    UNSTARTED = "unstarted"


@dataclass(frozen=True)
class Claim:
    """One attempt at one job, held by this worker as long as its lease is kept.

    Attributes:
        id: The job's id.
        lane: Where it came from.
        task: Such as `text.generate`; empty for a job that RQ's own tools made.
        data: RQ's `data` field; `codec.order_from_data` reads it.
        attempt: 1 for the first start.
        execution: Names this attempt; only its holder may commit.
        about: What `codec.about` wrote.
        started_ts: Seconds since the epoch, as the ledger has it.
        delivery: What the broker handed out for it, where there is one.
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


@dataclass(frozen=True)
class Ended:
    """What came of a claim.

    Attributes:
        body: The result, or the problem, in JSON.
        delay_s: How long the job rests before another attempt, where its outcome and policy allow one.
    """

    claim: Claim
    outcome: Outcome
    body: str = ""
    provider: str = ""
    mock: bool = False
    traceback: str = ""
    delay_s: float = 0.0

    @classmethod
    def with_problem(cls, claim: Claim, outcome: Outcome, problem: JobProblem, **more: Any) -> Ended:
        return cls(claim, outcome, problem.model_dump_json(), **more)


class ClaimDesk(ABC):
    """Hands out claims to one worker. `commit`, `heartbeat` and `reap` may be called from other threads."""

    def __init__(self, connection: redis.Redis, worker: str, queues: Sequence[str], broker: bool) -> None:
        """
        Args:
            connection: With `decode_responses=False` and a socket timeout above the longest `wait_for_work`.
            worker: Name of the worker, as RQ knows it.
            queues: Our queues, the preferred one first; high priorities of all go before normal ones of any.
        """
        self._redis = connection
        self._line = Line(connection)
        self._scripts = Scripts(self._line, broker)
        self._worker = worker
        by_queue = [keys.lanes_of(queue) for queue in queues]
        self.lanes = [lane for same_priority in zip(*by_queue, strict=True) for lane in same_priority]
        self._turn = 0
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

    @abstractmethod
    def wait_for_work(self, timeout_s: float) -> None:
        """Return when something may be there to take, or after `timeout_s` seconds."""

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

    def commit_items(self, claim: Claim, outcomes: Mapping[int, str | JobProblem], provider: str, mock: bool) -> bool:
        """Store what came of some items of a batch: results in JSON, or problems. False: the lease was lost."""
        arguments: list[Any] = [claim.id, claim.execution, time.time(), provider, int(mock)]
        for number, outcome in outcomes.items():
            if isinstance(outcome, JobProblem):
                arguments += number, FAILED + outcome.model_dump_json().encode()
            else:
                arguments += number, DONE + outcome.encode()
        return bool(self._scripts.progress(args=arguments))

    def items_done(self, claim: Claim) -> set[int]:
        """The items of a batch that earlier attempts brought to their end."""
        outcomes = cast("dict[bytes, bytes]", self._redis.hgetall(keys.items_key(claim.id)))
        return {int(number) for number, outcome in outcomes.items() if outcome.startswith(DONE)}

    def heartbeat(self, claims: Sequence[Claim]) -> list[Claim]:
        """Extend the leases. Returns those that are lost, and so is what these attempts will bring."""
        now = time.time()
        arguments = [part for claim in claims for part in (claim.id, claim.lane, claim.execution)]
        answers = self._scripts.heartbeat(args=[self._worker, now, rq_time(now), LEASE_S, *arguments])
        return [claim for claim, kept in zip(claims, answers, strict=True) if not kept]

    def reap(self) -> int:
        """Take back the jobs whose leases ran out, and let those try again that may. How many may."""
        now = time.time()
        ids = self._scripts.reap(args=[now, rq_time(now), LOST, *self.lanes])
        self._publish_again([raw.decode() for raw in ids])
        return len(ids)

    def next_cancelled(self, timeout_s: float) -> str | None:
        """Id of a job that was cancelled while this worker ran it; None after `timeout_s` seconds, or when woken.

        For one thread; the word may be lost while Redis is away, and then the next `heartbeat` says it.
        """
        if self._cancels is None:
            pubsub: Any = self._redis.pubsub  # redis-py leaves it untyped
            self._cancels = pubsub(ignore_subscribe_messages=True)
            self._cancels.subscribe(keys.CANCEL_CHANNEL.format(worker=self._worker))
        message = self._cancels.get_message(timeout=timeout_s)
        return message["data"].decode() or None if message else None

    def wake(self) -> None:
        """End the wait of `next_cancelled` in another thread."""
        self._redis.publish(keys.CANCEL_CHANNEL.format(worker=self._worker), b"")

    def announce(self, tasks: Sequence[str]) -> None:
        """Say which tasks this worker can do; the word lives and dies with RQ's record of the worker."""
        self._redis.hset(f"rq:worker:{self._worker}", "rider_tasks", json.dumps(list(tasks)))

    # Not abstract: without a broker there is nothing to do.
    def abandon(self, claims: Sequence[Claim]) -> None:  # noqa: B027
        """What came of these could not be stored; their leases run out, or others may have them before."""

    def dismiss(self, claims: Sequence[Claim]) -> None:  # noqa: B027
        """Nobody wants what comes of these: they were cancelled, or are another worker's now."""

    def close(self) -> None:
        """Give back what is held and not yet claimed."""
        self._line.close()

    def _publish_again(self, ids: Sequence[str]) -> None:  # noqa: B027
        """Jobs wait again; a broker must be handed new tickets for them."""

    def _fair_turn(self) -> bool:
        """Whether it is the turn of the oldest."""
        return self._turn % FAIR_TURN == FAIR_TURN - 1

    def _attempt_arguments(self) -> list[Any]:
        """What `take` and `claim` begin with: worker, execution, now in two forms, lease."""
        now = time.time()
        return [self._worker, uuid4().hex, now, rq_time(now), LEASE_S]

    def _finish_arguments(self, ended: Sequence[Ended], rest: bool) -> list[Any]:
        """Args:
        rest: The worker has nothing else at hand.
        """
        now = time.time()
        arguments: list[Any] = [self._worker, now, rq_time(now), int(rest)]
        for one in ended:
            claim = one.claim
            arguments += claim.id, claim.lane, claim.execution, claim.about, claim.attempt, claim.started_ts
            arguments += one.outcome.value, one.provider, int(one.mock), one.body, one.traceback, one.delay_s
        return arguments
