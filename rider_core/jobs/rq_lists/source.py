"""Jobs out of RQ's lists: popped and leased in one step, prefetched during short jobs, or dispatched while idle."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import redis
from pydantic_core import from_json

from rider_core.jobs.leased_job import AttemptResult, LeasedJob
from rider_core.jobs.store import keys
from rider_core.jobs.store.finishing import finish_call
from rider_core.jobs.store.protocol import (
    ACCEPT_DISPATCH,
    ACCEPTING_DISPATCH,
    DEQUEUE,
    DISPATCHED,
    FINISH,
    MARK_STARTED,
    NO_DISPATCH,
    PREFETCH,
    SHOWN_BUSY,
    SHOWN_JOB,
    Attempt,
    DequeuedRow,
    DequeueHead,
    DispatchedRow,
    StartedJob,
    StartHead,
)
from rider_core.jobs.store.rq_format import rq_time
from rider_core.jobs.store.worker_session import WorkerSession
from rider_core.jobs.transport import PipeliningSource
from rider_core.redis_functions import Call, Connection, Function, Library, call_together
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

#: Maximum wait for a dispatched job that has not arrived yet, in seconds: it is sent on another connection.
DISPATCH_WAIT_S = 1.0


class RQListSource(PipeliningSource):
    """Dequeues from the lists. A worker that finds no job may get one by direct dispatch (`direct_dispatch.lua`)."""

    def __init__(self, session: WorkerSession, library: Library) -> None:
        self._session = session
        self._dequeue = Function(session.pool, library, DEQUEUE)
        self._mark_started = Function(session.pool, library, MARK_STARTED)
        self._finish = Function(session.pool, library, FINISH)
        self._dispatch_channel = keys.dispatch_key(session.worker)
        self._channels = [self._dispatch_channel, *map(keys.wake_up_channel, session.queues)]
        self._subscriber: Connection | None = None
        self._next_due: float | None = None
        #: The name of the attempt that direct dispatch may use; None: the worker does not accept it.
        self._offered: str | None = None
        self._limits: Mapping[str, int] = {}
        self._dispatched: list[LeasedJob] = []

    def dequeue(self, limits: Mapping[str, int]) -> list[LeasedJob]:
        if self._dispatched:
            return self._take_dispatched()
        head = self._dequeue_head(limits)
        return self._leased(self._dequeue(head, self._session.lanes), head, limits)

    def dequeue_more(self, lane: str, task: str, number: int) -> list[LeasedJob]:
        limits = {task: number}
        # RQ's record shows the worker's job already.
        attempt = self._session.new_attempt()._replace(shown=SHOWN_BUSY)
        head = DequeueHead(*attempt, 0, _in_json(limits), task, NO_DISPATCH, self._session.timings.lease_s, "")
        answer = self._dequeue(head, [lane])
        return self._leased(answer, head, limits) if isinstance(answer, list) else []

    def commit_and_dequeue(
        self, results: Sequence[AttemptResult], limits: Mapping[str, int]
    ) -> tuple[list[bool], list[LeasedJob]]:
        head = self._dequeue_head(limits)
        finished, dequeued = call_together(
            [self._finish_call(results), self._dequeue.prepare(head, self._session.lanes)]
        )
        return [bool(stored) for stored in finished], self._leased(dequeued, head, limits)

    def prefetch(
        self,
        results: Sequence[AttemptResult],
        started: Sequence[LeasedJob],
        limits: Mapping[str, int] | None,
        on_sent: Callable[[], None],
    ) -> tuple[list[bool], list[LeasedJob]]:
        calls: list[Call] = []
        if results:
            calls.append(self._finish_call(results))
        if started:
            calls.append(self._start_call(started, short=limits is not None))
        head = None if limits is None else self._head(self._session.new_attempt(), limits, PREFETCH)
        if head:
            calls.append(self._dequeue.prepare(head, self._session.lanes))
        answers = call_together(calls, on_sent=on_sent)
        stored = [bool(answer) for answer in answers[0]] if results else []
        if head is None or not isinstance(answers[-1], list):
            return stored, []
        self._session.count_turn()
        return stored, [leased._replace(prefetched=True) for leased in _leased_jobs(answers[-1], head)]

    def wait(self, timeout_s: float) -> bool:
        """Wait until a job is submitted or dispatched, or the next is due. True: one was, since the last `dequeue`.

        The subscription lasts as long as the worker, so a message between `dequeue` and here is received here. Only
        messages before the first subscription, or while the connection was lost, may be missed: then this returns True
        at once.
        """
        if self._subscriber is None or self._subscriber.closed:
            self._subscriber = self._session.pool.subscriber(self._channels)
            return True
        if self._next_due is not None:
            timeout_s = min(timeout_s, self._next_due - time.time())
        return self._receive(timeout_s)

    def stop_accepting(self) -> list[LeasedJob]:
        if self._offered is not None and not self._session.pool.call("DEL", self._dispatch_channel):
            self._await_dispatched()
        self._offered = None
        return self._take_dispatched()

    def close(self) -> None:
        with suppress(redis.RedisError):
            for queue in self._session.queues:
                self._session.pool.call("SREM", keys.idle_workers_key(queue), self._session.worker)
        if self._subscriber is not None:
            self._subscriber.close()

    def _dequeue_head(self, limits: Mapping[str, int]) -> DequeueHead:
        dispatching = self._dispatching()
        if dispatching == ACCEPT_DISPATCH:
            self._limits = limits
        return self._head(self._session.new_attempt(), limits, dispatching)

    def _head(self, attempt: Attempt, limits: Mapping[str, int], dispatching: str) -> DequeueHead:
        session = self._session
        queues = " ".join(session.queues)
        oldest_first = int(session.oldest_first)
        return DequeueHead(*attempt, oldest_first, _in_json(limits), "", dispatching, session.timings.lease_s, queues)

    def _finish_call(self, results: Sequence[AttemptResult]) -> Call:
        return finish_call(self._finish, self._session.worker, results)

    def _start_call(self, started: Sequence[LeasedJob], *, short: bool) -> Call:
        now = started[0].started_ts
        head = StartHead(self._session.worker, now, rq_time(now), self._session.shown, int(short))
        self._session.shown = SHOWN_BUSY if short else SHOWN_JOB
        return self._mark_started.prepare(head, [StartedJob(leased.id, leased.execution) for leased in started])

    def _dispatching(self) -> str:
        """The argument `dispatching` of `dequeue`. Without a subscription a dispatched job would not be received."""
        if self._offered is not None:
            return ACCEPTING_DISPATCH
        return ACCEPT_DISPATCH if self._subscriber is not None and not self._subscriber.closed else NO_DISPATCH

    def _leased(self, answer: Any, head: DequeueHead, limits: Mapping[str, int]) -> list[LeasedJob]:
        """The jobs in `dequeue`'s answer to this head."""
        if answer == DISPATCHED:
            self._await_dispatched()
            return self._take_dispatched()
        if not isinstance(answer, list):
            self._next_due = float(answer) if answer else None
            if self._dispatching() == ACCEPT_DISPATCH:
                self._offered = head.execution
            return []
        self._offered = None
        self._session.count_turn()
        leased_jobs = _leased_jobs(answer, head)
        self._session.shows_work(leased_jobs[0].task, limits)
        return leased_jobs

    def _receive(self, timeout_s: float) -> bool:
        assert self._subscriber is not None
        messages = self._subscriber.receive(timeout_s)
        for message in messages:
            if message.channel == self._dispatch_channel:
                self._accept(message.data)
        return bool(messages)

    def _accept(self, message: bytes) -> None:
        """Take a dispatched job: it is leased to this worker already."""
        line, _, data = message.partition(b"\n")
        try:
            row = DispatchedRow._make(from_json(line))
        except (ValueError, TypeError):
            log.warning("what came as a dispatched job is none: %.80r", line)
            return
        if row.execution != self._offered:
            log.warning("job %s was dispatched to a worker that did not expect it; its lease runs out", row.id)
            return
        self._offered = None
        self._session.count_turn()
        started_ts = float(row.started_ts)
        self._dispatched = [LeasedJob(row.id, row.lane, row.task, data, 1, row.execution, row.metadata, started_ts)]
        self._session.shows_work(row.task, self._limits)

    def _await_dispatched(self) -> None:
        """Wait for the job that was dispatched. It does not arrive if the connection was lost."""
        watch = Stopwatch.start()
        while (
            not self._dispatched
            and self._subscriber is not None
            and not self._subscriber.closed
            and watch.elapsed_s < DISPATCH_WAIT_S
        ):
            self._receive(DISPATCH_WAIT_S - watch.elapsed_s)
        if not self._dispatched:
            log.warning("a dispatched job was lost with the connection; its lease runs out")
        self._offered = None

    def _take_dispatched(self) -> list[LeasedJob]:
        dispatched, self._dispatched = self._dispatched, []
        return dispatched


def _leased_jobs(answer: list[Any], head: DequeueHead) -> list[LeasedJob]:
    """The jobs that `dequeue` has leased, called with this head."""
    execution, now = head.execution, head.now
    leased_jobs = []
    for job_id, lane, task, data, attempt, metadata in map(DequeuedRow._make, answer):
        leased_jobs.append(
            LeasedJob(
                job_id.decode("utf-8", "replace"),
                lane.decode("utf-8", "replace"),
                task.decode("utf-8", "replace"),
                data,
                attempt,
                execution,
                metadata.decode("utf-8", "replace"),
                now,
            )
        )
    return leased_jobs


def _in_json(limits: Mapping[str, int]) -> str:
    return _dumped(tuple(limits.items()))


@lru_cache(maxsize=64)
def _dumped(limits: tuple[tuple[str, int], ...]) -> str:
    """Cached: limits hardly change from one call to the next."""
    return json.dumps(dict(limits))
