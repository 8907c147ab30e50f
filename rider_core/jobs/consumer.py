"""The worker's side of the job engine: it leases jobs, renews leases, and commits results."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import redis

from rider_core.api.jobs import Progress
from rider_core.jobs.leased_job import AttemptResult, LeasedJob
from rider_core.jobs.store import keys, protocol
from rider_core.jobs.store.batch_chunks import BatchChunk, items_of
from rider_core.jobs.store.finishing import finish_call
from rider_core.jobs.store.functions import LOST_JSON, JobFunctions
from rider_core.jobs.store.metadata import JobMetadata
from rider_core.jobs.store.rq_format import rq_time
from rider_core.jobs.store.worker_session import WorkerSession
from rider_core.jobs.timings import JobTimings
from rider_core.jobs.transport import AcknowledgingSource, PipeliningSource, Transport
from rider_core.redis_functions import ConnectionPool, call_together

log = logging.getLogger(__name__)

#: Time in seconds without a job after which RQ's record of the worker says that it is idle.
IDLE_AFTER_S = 0.1
#: Maximum wait for Redis's confirmation of a subscription, in seconds.
SUBSCRIBE_TIMEOUT_S = 5.0


class JobConsumer:
    """Gets jobs for one worker. `commit`, `nack`, `heartbeat` and `reap` may be called from other threads."""

    def __init__(
        self, connection: redis.Redis, transport: Transport, worker: str, queues: Sequence[str], timings: JobTimings
    ) -> None:
        """
        Args:
            connection: With `decode_responses=False` and a socket timeout above the longest `wait_for_work`.
            worker: Name of the worker, as RQ knows it.
            queues: Our queues, the preferred one first; high priorities of all go before normal ones of any.
        """
        self.timings = timings
        self._redis = connection
        self._pool = ConnectionPool(connection)
        self._functions = JobFunctions(self._pool, transport.library)
        self._session = WorkerSession(self._pool, worker, queues, timings)
        self.source = transport.source(connection, self._session)
        self._pipelining = self.source if isinstance(self.source, PipeliningSource) else None
        self._acknowledging = self.source if isinstance(self.source, AcknowledgingSource) else None
        self._cancellations: Any = None

    @property
    def can_prefetch(self) -> bool:
        return self._pipelining is not None

    def dequeue(self, limits: Mapping[str, int] | None = None) -> list[LeasedJob]:
        """The most urgent waiting jobs, leased to this worker: of one lane and task. Empty: no job waits.

        Args:
            limits: Task to the largest number of its jobs that are leased together; 1 for other tasks. A job that
                failed or was lost before is always leased alone, and so is one that has a single attempt.
        """
        return self.source.dequeue(limits or {})

    def dequeue_more(self, lane: str, task: str, number: int) -> list[LeasedJob]:
        """Up to `number` batchable jobs, if they come next in their lane."""
        return self.source.dequeue_more(lane, task, number)

    def wait_for_work(self, timeout_s: float) -> None:
        """Wait for a job, at most `timeout_s` seconds. For a worker that has none."""
        if self._session.shown != protocol.SHOWN_IDLE:
            first_s = min(timeout_s, IDLE_AFTER_S)
            if self.source.wait(first_s):
                return
            self._mark_idle()
            timeout_s -= first_s
        if timeout_s > 0:
            self.source.wait(timeout_s)

    def wait_for_more(self, timeout_s: float) -> bool:
        """Wait for another job, at most `timeout_s` seconds. True: there may be one. For a worker that has some."""
        return self.source.wait(timeout_s)

    def is_drained(self) -> bool:
        """Whether no job waits, for a worker that got none and would end."""
        return self._acknowledging is None or self._acknowledging.is_drained()

    def commit(self, results: Sequence[AttemptResult]) -> list[bool]:
        """Store results. False: that one's lease was lost, and nothing was stored. From any thread."""
        (answers,) = call_together([finish_call(self._functions.finish, self._session.worker, results)])
        if self._acknowledging is not None:
            self._acknowledging.settle(results, answers)
        return [bool(answer) for answer in answers]

    def commit_and_dequeue(
        self, results: Sequence[AttemptResult], limits: Mapping[str, int] | None
    ) -> tuple[list[bool], list[LeasedJob]]:
        """Store the results of the jobs that the worker held, and lease the next ones.

        Args:
            limits: As for `dequeue`. None: lease none.

        Returns:
            For each result whether it was stored (False: its lease was lost), and the new jobs.
        """
        if limits is None:
            return self.commit(results), []
        if self._pipelining is not None:
            return self._pipelining.commit_and_dequeue(results, limits)
        return self.commit(results), self.source.dequeue(limits)

    def prefetch(
        self,
        results: Sequence[AttemptResult],
        started: Sequence[LeasedJob],
        limits: Mapping[str, int] | None,
        on_sent: Callable[[], None],
    ) -> tuple[list[bool], list[LeasedJob]]:
        """`commit_and_dequeue` while the worker runs a job: from another thread, but from one at a time.

        The new jobs are leased, but not started: no attempt is counted, and if the worker dies they are requeued as
        they were. When the worker starts them, it passes them to its next `prefetch`. Only where `can_prefetch` is
        true.

        Args:
            started: Jobs of the last `prefetch` that start now, at their `started_ts`.
            limits: As for `commit_and_dequeue`; where jobs are to be leased, the started ones are short.
            on_sent: Called when the commands are sent: from then on Redis executes them even if the worker dies.
        """
        assert self._pipelining is not None, "this transport cannot prefetch"
        return self._pipelining.prefetch(results, started, limits, on_sent)

    def stop_accepting(self) -> list[LeasedJob]:
        """End direct dispatch. Returns the jobs that were dispatched and that `dequeue` has not returned yet."""
        return self._pipelining.stop_accepting() if self._pipelining is not None else []

    def nack(self, leased_jobs: Sequence[LeasedJob]) -> None:
        """Let other workers have these jobs: their results could not be stored. At the latest, their leases run out."""
        if self._acknowledging is not None:
            self._acknowledging.nack(leased_jobs)

    def ack(self, leased_jobs: Sequence[LeasedJob]) -> None:
        """Drop the deliveries of these jobs: they were cancelled, or are leased to another worker now."""
        if self._acknowledging is not None:
            self._acknowledging.ack(leased_jobs)

    def commit_items(self, leased: LeasedJob, chunk: BatchChunk, progress: Progress, provider: str, mock: bool) -> bool:
        """Store the results of some items of a batch. False: the lease was lost.

        Args:
            progress: The progress of the batch, these items included.
        """
        head = protocol.ItemsHead(
            leased.id,
            leased.execution,
            time.time(),
            provider,
            int(mock),
            progress.done,
            progress.failed,
            chunk.to_json(),
        )
        return bool(self._functions.store_items(head))

    def finished_items(self, leased: LeasedJob) -> tuple[set[int], set[int]]:
        """The items of a batch that have a result from earlier attempts, and those that failed in the last one."""
        chunks = self._pool.call("LRANGE", keys.items_key(leased.id), 0, -1)
        items = list(enumerate(items_of(chunks, int(JobMetadata.unpack(leased.metadata).items))))
        return {n for n, item in items if item.result is not None}, {n for n, item in items if item.problem}

    def heartbeat(self, leased_jobs: Sequence[LeasedJob]) -> list[LeasedJob]:
        """Renew the leases. Returns the jobs whose leases are lost; their results will not be stored."""
        now = time.time()
        head = protocol.HeartbeatHead(self._session.worker, now, rq_time(now), self.timings.lease_s)
        leases = [protocol.HeldLease(leased.id, leased.lane, leased.execution) for leased in leased_jobs]
        answers = self._functions.heartbeat(head, leases)
        return [leased for leased, is_held in zip(leased_jobs, answers, strict=True) if not is_held]

    def reap(self) -> int:
        """Take back the jobs whose leases ran out. Returns the number of those that wait again for an attempt."""
        now = time.time()
        head = protocol.ReapHead(now, rq_time(now), LOST_JSON, self.timings.lease_s)
        lost, recovered = self._functions.reap(head, self._session.lanes)
        ids = [raw.decode("utf-8", "replace") for raw in (*lost, *recovered)]
        if recovered:
            log.warning(
                "%d job(s) were taken by a program that is not Rider-PC's and put away as failed; they wait again: %s "
                "(what serves our queues is seen with: rq info)",
                len(recovered),
                ", ".join(ids[-len(recovered) :][:5]),
            )
        if self._acknowledging is not None:
            self._acknowledging.publish_again(ids)
        return len(ids)

    def subscribe_cancellations(self) -> None:
        """To be called before the first job is leased: `next_cancelled` misses earlier cancellations."""
        pubsub: Any = self._redis.pubsub  # redis-py leaves it untyped
        self._cancellations = pubsub(ignore_subscribe_messages=True)
        self._cancellations.subscribe(keys.cancel_channel(self._session.worker))
        self._cancellations.get_message(timeout=SUBSCRIBE_TIMEOUT_S)  # the confirmation

    def next_cancelled(self, timeout_s: float) -> str | None:
        """Id of a job that was cancelled while this worker ran it; None after `timeout_s` seconds, or when woken.

        For one thread. A message may be lost while Redis is away; then the next `heartbeat` finds the lost lease.
        """
        message = self._cancellations.get_message(timeout=timeout_s)
        return message["data"].decode("utf-8", "replace") or None if message else None

    def wake(self) -> None:
        """End the wait of `next_cancelled` in another thread."""
        self._redis.publish(keys.cancel_channel(self._session.worker), b"")

    def announce(self, tasks: Sequence[str], engines: Mapping[str, str]) -> None:
        """Write into RQ's record of the worker which tasks it can do; it expires with that record.

        Args:
            engines: Task to the engines that are open for it: named in the problem of a job whose worker died.
        """
        fields: dict[Any, Any] = {"rider_tasks": json.dumps(list(tasks)), "rider_engines": json.dumps(dict(engines))}
        self._redis.hset(keys.worker_key(self._session.worker), mapping=fields)

    def close(self) -> None:
        """Give back deliveries that are held and not leased, and close the connections."""
        self.source.close()
        with suppress(redis.RedisError):
            if self._session.shown != protocol.SHOWN_IDLE:
                self._mark_idle()
        self._pool.close()

    def _mark_idle(self) -> None:
        self._functions.mark_idle(protocol.WorkerHead(self._session.worker))
        self._session.shown = protocol.SHOWN_IDLE
