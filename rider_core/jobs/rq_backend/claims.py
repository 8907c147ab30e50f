"""The side of the job port that works: taking jobs on lease, keeping the lease, committing what came of them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import uuid4

import redis

from rider_core.api.jobs import JobProblem
from rider_core.jobs.rq_backend import keys
from rider_core.jobs.rq_backend.codec import rq_time
from rider_core.jobs.rq_backend.scripts import Scripts

#: A lease is extended every 5 s, so four extensions may fail before a job is taken away from a living worker; and a
#: killed worker's job is back in its queue within 30 s, the time until somebody looks included.
LEASE_S = 20
#: One of so many jobs taken is the one that has waited longest, whatever its priority and queue: nothing starves.
FAIR_TURN = 8
HEARTBEAT_EVERY_S = 5.0

_LOST = JobProblem(code="lost", message="the worker that ran it ended or stopped answering").model_dump_json()


class Outcome(str, Enum):
    DONE = "done"
    FAILED = "failed"
    HOPELESS = "hopeless"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Claim:
    """One attempt at one job, held by this worker as long as its lease is kept.

    Attributes:
        id: The job's id.
        rq_queue: RQ's queue that it came from.
        data: RQ's `data` field; `codec.spec_from_data` reads it.
        attempt: 1 for the first start.
        execution: Names this attempt; only its holder may commit.
    """

    id: str
    rq_queue: str
    data: bytes
    attempt: int
    execution: str


class ClaimDesk:
    """Hands out claims to one worker. `heartbeat` and `reap` may be called from a second thread."""

    def __init__(self, connection: redis.Redis, worker: str, queues: Sequence[str]) -> None:
        """
        Args:
            connection: With `decode_responses=False` and a socket timeout above the longest `wait_for_work`.
            worker: Name of the worker, as RQ knows it.
            queues: Our queues, the preferred one first; high priorities of all go before normal ones of any.
        """
        self._redis = connection
        self._scripts = Scripts(connection)
        self._worker = worker
        by_queue = [keys.rq_queues(queue) for queue in queues]
        self.rq_queues = [name for same_priority in zip(*by_queue, strict=True) for name in same_priority]
        self._bells: dict[Any, Any] = {keys.DOORBELL.format(queue=queue): b"0" for queue in queues}
        self._next_due: float | None = None
        self._turn = 0
        self._cancels: Any = None

    def take(self) -> Claim | None:
        """The most urgent waiting job, leased to us; every `FAIR_TURN`th time the oldest. None: nothing waits."""
        execution, now = uuid4().hex, time.time()
        fair = int(self._turn % FAIR_TURN == FAIR_TURN - 1)
        answer = self._scripts.take(args=[self._worker, execution, now, rq_time(now), LEASE_S, fair, *self.rq_queues])
        if not isinstance(answer, list):
            self._next_due = float(answer) if answer else None
            return None
        self._turn += 1
        job_id, rq_queue, data, attempt = answer
        return Claim(job_id.decode(), rq_queue.decode(), data, attempt, execution)

    def wait_for_work(self, timeout_s: float) -> None:
        """Return when something was submitted or has become due since the last `take`, or after `timeout_s` seconds.

        The doorbells are streams that are read, not popped: every waiting worker hears them, none is lost between
        `take` and here.
        """
        if self._next_due is not None:
            timeout_s = min(timeout_s, self._next_due - time.time())
        # XREAD takes 0 for "without end", so 1 ms is the shortest wait.
        rung: Any = self._redis.xread(self._bells, block=max(1, math.ceil(timeout_s * 1000)))
        for bell, entries in rung or ():
            self._bells[bell.decode()] = entries[-1][0]

    def heartbeat(self, claim: Claim) -> bool:
        """Extend the lease. False: it is lost, and so is what the attempt will bring."""
        now = time.time()
        arguments = [claim.id, claim.rq_queue, claim.execution, now, rq_time(now), LEASE_S]
        return bool(self._scripts.heartbeat(args=arguments))

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

    def commit_result(self, claim: Claim, result: str, provider: str, mock: bool) -> bool:
        """Store the result (JSON). False: the lease was lost, nothing was stored."""
        return self._finish(claim, Outcome.DONE, result, provider, mock)

    def commit_problem(
        self,
        claim: Claim,
        outcome: Outcome,
        problem: JobProblem,
        provider: str = "",
        traceback: str = "",
        delay_s: float = 0.0,
    ) -> bool:
        """Store why the attempt failed. Where its outcome and policy allow it, the job is tried again after `delay_s`
        seconds. False: the lease was lost, nothing was stored."""
        return self._finish(claim, outcome, problem.model_dump_json(), provider, False, traceback, delay_s)

    def reap(self) -> int:
        """Take back the jobs whose leases ran out. How many there were."""
        now = time.time()
        return int(self._scripts.reap(args=[now, rq_time(now), _LOST, *self.rq_queues]))

    def announce(self, tasks: Sequence[str]) -> None:
        """Say which tasks this worker can do; the word lives and dies with RQ's record of the worker."""
        self._redis.hset(f"rq:worker:{self._worker}", "rider_tasks", json.dumps(list(tasks)))

    def _finish(
        self,
        claim: Claim,
        outcome: Outcome,
        body: str,
        provider: str,
        mock: bool,
        traceback: str = "",
        delay_s: float = 0.0,
    ) -> bool:
        now = time.time()
        answer = self._scripts.finish(
            args=[
                claim.id,
                claim.rq_queue,
                claim.execution,
                self._worker,
                now,
                rq_time(now),
                outcome.value,
                provider,
                int(mock),
                body,
                traceback,
                delay_s,
            ]
        )
        return bool(answer)
