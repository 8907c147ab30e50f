"""The side of the job port that submits, looks and waits. The side that works is `desk`.

What differs between RQ's lists and a broker stands in `rq_backend` and `broker_backend`.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, cast

import redis

from rider_core.api.job_backend import MAX_TOGETHER, JobBackend, QueueStats, TaskFigures
from rider_core.api.jobs import AnySpec, BatchItem, BatchSpec, DeadLetter, JobRecord, JobSpec, JobState
from rider_core.api.messages import parse_message, parse_messages
from rider_core.api.tasks import Task, check_queue, task_named
from rider_core.errors import (
    InvalidInput,
    JobNotFound,
    JobRefused,
    QueueFull,
    TooLarge,
    WaitTimeout,
)
from rider_core.jobs.ledger import figures, keys
from rider_core.jobs.ledger.admission import Admission
from rider_core.jobs.ledger.codec import (
    MAX_JOB_BYTES,
    RECORD_FIELDS,
    Told,
    data_of,
    dead_letter_from_hash,
    event,
    has_ended,
    order_from_data,
    record_from_message,
    record_from_told,
    rq_time,
)
from rider_core.jobs.ledger.desk import ClaimDesk
from rider_core.jobs.ledger.functions import Functions, together
from rider_core.jobs.ledger.line import Command, Line, Wire
from rider_core.jobs.ledger.reports import items_of
from rider_core.jobs.timings import JobTimings
from rider_core.redis_errors import RETRY_AFTER_S, redis_errors
from rider_core.timing import Stopwatch

#: So many dead letters are requeued or purged in one round trip.
PAGE = 500


class LedgerBackend(JobBackend):
    """Jobs whose records, leases, results and dead letters are in Redis, written by our functions."""

    def __init__(self, connection: redis.Redis, timings: JobTimings, broker: bool) -> None:
        """
        Args:
            connection: With `decode_responses=False`.
            broker: A message broker carries the jobs, not RQ's lists.
        """
        self.timings = timings
        self._redis = connection
        self._line = Line(connection)
        self._functions = Functions(self._line, broker)
        self._broker = broker
        self._admission = Admission(connection, RETRY_AFTER_S)

    @abstractmethod
    def desk(self, worker: str, queues: Sequence[str]) -> ClaimDesk:
        """Where a worker gets jobs of these queues and hands in what came of them."""

    def submit(self, spec: JobSpec) -> str:
        with redis_errors():
            return self._accept([spec])[0]

    def run(self, spec: JobSpec, timeout_s: float) -> JobRecord:
        watch = Stopwatch.start()
        with redis_errors():
            try:
                # Whoever listens before he submits need not ask whether it has ended in the meantime.
                with self._line.listening(keys.ENDED_CHANNEL.format(id=spec.id)) as wire:
                    self._accept([spec], wire)
                    return self._awaited(spec.id, wire, None, watch, timeout_s)
            except (redis.ConnectionError, redis.TimeoutError):
                self._line.close()
        self.submit(spec)
        return self.wait(spec.id, timeout_s - watch.elapsed_s)

    def submit_many(self, specs: Sequence[AnySpec]) -> list[str]:
        if len(specs) > MAX_TOGETHER:
            raise TooLarge(f"{len(specs)} jobs in one call, the limit is {MAX_TOGETHER}")
        with redis_errors():
            return self._accept(specs) if specs else []

    def submit_batch(self, spec: BatchSpec) -> str:
        with redis_errors():
            return self._accept([spec])[0]

    def get(self, job_id: str) -> JobRecord:
        with redis_errors():
            return _found(job_id, self._line.call(*_record_command(job_id)))

    def batch_items(self, job_id: str) -> list[BatchItem]:
        progress = self.get(job_id).progress
        if progress is None:
            raise JobNotFound(f"job {job_id!r} is no batch")
        with redis_errors():
            reports: list[bytes] = self._line.call("LRANGE", keys.items_key(job_id), 0, -1)
        return items_of(reports, progress.total)

    def recent(self, limit: int) -> list[JobRecord]:
        with redis_errors():
            ids = cast("list[bytes]", self._redis.lrange(keys.RECENT, 0, limit - 1))
        return [
            record for record in self._records_of([raw.decode("utf-8", "replace") for raw in ids]) if record is not None
        ]

    def wait(self, job_id: str, timeout_s: float) -> JobRecord:
        watch = Stopwatch.start()
        with redis_errors():
            try:
                return self._waited(job_id, watch, timeout_s)
            except (redis.ConnectionError, redis.TimeoutError):
                self._line.close()
                return self._waited(job_id, watch, timeout_s)

    def wait_many(self, job_ids: Sequence[str], timeout_s: float) -> list[JobRecord]:
        watch = Stopwatch.start()
        ended: dict[str, JobRecord] = {}
        left = list(job_ids)
        while left:
            page = left[:PAGE]
            # The last first: when that one has ended, hardly any of the others has not.
            self.wait(page[-1], timeout_s - watch.elapsed_s)
            ended |= self._ended_of(page)
            left = [job_id for job_id in left if job_id not in ended]
        return [ended[job_id] for job_id in job_ids]

    def cancel(self, job_id: str) -> bool:
        now = time.time()
        with redis_errors():
            return bool(self._functions.cancel([job_id, now, rq_time(now)]))

    def stats(self) -> list[QueueStats]:
        with redis_errors():
            return figures.queue_stats(self._redis, self.timings.worker_alive_s, self._broker)

    def figures(self) -> list[TaskFigures]:
        with redis_errors():
            return figures.task_figures(self._redis)

    def capacity(self) -> dict[str, int]:
        with redis_errors():
            return figures.capacity(self._redis, self.timings.worker_alive_s)

    def dead_letters(self, queue: str, limit: int, offset: int = 0) -> list[DeadLetter]:
        check_queue(queue)
        ids = self._failed_ids(queue)[offset : offset + limit]
        return [dead_letter_from_hash(job_id, fields) for job_id, fields in self._hashes_of(ids)]

    def dead_letter(self, job_id: str) -> DeadLetter:
        letter = dead_letter_from_hash(job_id, self._hash_of(job_id))
        if letter.record.state is not JobState.FAILED:
            raise JobNotFound(f"job {job_id!r} is no dead letter: it is {letter.record.state.value}")
        return letter

    def requeue(self, job_id: str) -> bool:
        return self._requeue_each([job_id]) == 1

    def requeue_all(self, queue: str) -> int:
        return self._in_pages(queue, self._requeue_each)

    def purge(self, job_id: str) -> bool:
        return self._purge_each([job_id]) == 1

    def purge_all(self, queue: str) -> int:
        return self._in_pages(queue, self._purge_each)

    def close(self) -> None:
        self._line.close()
        self._redis.close()

    def _accepted(self, orders: Sequence[tuple[AnySpec, bytes]], answers: Sequence[int], now: float) -> None:
        """Orders with their data are in the ledger now, each with what `lua/submit.lua` answered."""

    def _requeued(self, hashes: Sequence[tuple[str, dict[bytes, bytes]]]) -> None:
        """Dead letters wait again; a broker must be handed their tickets."""

    def _waited(self, job_id: str, watch: Stopwatch, timeout_s: float) -> JobRecord:
        with self._line.listening(keys.ENDED_CHANNEL.format(id=job_id)) as wire:
            record = _found(job_id, wire.call(*_record_command(job_id)))
            return self._awaited(job_id, wire, record, watch, timeout_s)

    def _awaited(
        self, job_id: str, wire: Wire, record: JobRecord | None, watch: Stopwatch, timeout_s: float
    ) -> JobRecord:
        """The record once the job has ended; `wire` hears of it.

        Args:
            record: What is known of it. None: it has been submitted just now.
        """
        while record is None or not record.state.ended:
            left_s = timeout_s - watch.elapsed_s
            if left_s <= 0:
                state = (record or self.get(job_id)).state.value
                raise WaitTimeout(f"job {job_id} is still {state} after {timeout_s:g} s")
            heard = wire.hear(min(left_s, self.timings.wait_recheck_s))
            record = (record_from_message(job_id, heard[-1].data) if heard else None) or self.get(job_id)
        return record

    def _accept(self, orders: Sequence[AnySpec], wire: Wire | None = None) -> list[str]:
        """Submit. Raises what `submit` does, and redis-py's errors as they are.

        Args:
            wire: The connection to submit on; None: any.
        """
        now = time.time()
        prepared = [(order, *_prepared(order)) for order in orders]
        arguments: list[Any] = [now, rq_time(now)]
        for order, task, data in prepared:
            told = Told.by(order, task, now)
            due = "" if order.due_ts is None or order.due_ts <= now else f',"due_ts":{order.due_ts:.6f}'
            accepted = event("job.accepted", now, order.id, told, attempts=0, more=due)
            arguments += order.id, keys.lane_of(task.queue, order.priority), task.queue, order.due_ts or 0
            arguments += told.newest_key, told.stream, data, told.about, accepted
        self._admission.check()
        answers = self._functions.submit(arguments, wire)
        if isinstance(answers, bytes):
            raise QueueFull(
                f"{keys.MAX_WAITING} jobs are waiting in {answers.decode()}, no more are taken",
                retry_after_s=RETRY_AFTER_S,
            )
        self._accepted([(order, data) for order, _, data in prepared], answers, now)
        return [order.id for order in orders]

    def _hash_of(self, job_id: str) -> dict[bytes, bytes]:
        with redis_errors():
            fields: dict[bytes, bytes] = self._line.call("HGETALL", keys.job_key(job_id))
        if not fields:
            raise _not_found(job_id)
        return fields

    def _ended_of(self, ids: Sequence[str]) -> dict[str, JobRecord]:
        """The records of those that have ended."""
        with redis_errors():
            answers = self._line.exchange([_record_command(job_id) for job_id in ids])
        records = {}
        for job_id, values in zip(ids, answers, strict=True):
            if isinstance(values, Exception) or values[0] is None:
                raise _not_found(job_id)
            if has_ended(values):
                records[job_id] = _found(job_id, values)
        return records

    def _records_of(self, ids: Sequence[str]) -> list[JobRecord | None]:
        """For each id its record, None where there is none."""
        with redis_errors():
            answers = self._line.exchange([_record_command(job_id) for job_id in ids])
        found = zip(ids, answers, strict=True)
        return [None if isinstance(values, Exception) else record_from_told(job_id, values) for job_id, values in found]

    def _hashes_of(self, ids: Sequence[bytes]) -> list[tuple[str, dict[bytes, bytes]]]:
        """Ids with their hashes; those whose hash has expired are left out."""
        names = [raw.decode("utf-8", "replace") for raw in ids]
        with redis_errors():
            hashes = self._line.exchange([("HGETALL", keys.job_key(name)) for name in names])
        return [
            (name, fields) for name, fields in zip(names, hashes, strict=True) if fields and isinstance(fields, dict)
        ]

    def _failed_ids(self, queue: str) -> list[bytes]:
        """The dead letters of all priorities, the latest first. There are `DEAD_LETTERS_KEPT` of each at most."""
        with redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for lane in keys.lanes_of(queue):
                pipeline.zrange(keys.failed_key(lane), 0, -1, withscores=True)
            scored = [entry for entries in pipeline.execute() for entry in entries]
        return [job_id for job_id, _ in sorted(scored, key=lambda entry: entry[1], reverse=True)]

    def _in_pages(self, queue: str, act: Callable[[list[str]], int]) -> int:
        check_queue(queue)
        ids = [raw.decode("utf-8", "replace") for raw in self._failed_ids(queue)]
        return sum(act(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE))

    def _requeue_each(self, ids: list[str]) -> int:
        now = time.time()
        hashes = self._hashes_of([job_id.encode() for job_id in ids])
        if not hashes:
            return 0
        with redis_errors():
            answers = together(
                [(self._functions.requeue, [job_id, now, _attempts_allowed(fields)]) for job_id, fields in hashes]
            )
        self._requeued([entry for entry, answer in zip(hashes, answers, strict=True) if answer])
        return sum(answers)

    def _purge_each(self, ids: list[str]) -> int:
        with redis_errors():
            return sum(together([(self._functions.purge, [job_id]) for job_id in ids]))


def _record_command(job_id: str) -> Command:
    return ("HMGET", keys.job_key(job_id), *RECORD_FIELDS)


def _found(job_id: str, values: Sequence[bytes | None]) -> JobRecord:
    record = record_from_told(job_id, values)
    if record is None:
        raise _not_found(job_id)
    return record


def _not_found(job_id: str) -> JobNotFound:
    return JobNotFound(f"there is no job {job_id!r}", remedy=f"results are kept for {keys.RESULT_TTL_S} s")


def _prepared(order: AnySpec) -> tuple[Task, bytes]:
    """The order's task and its data, once its payload is known to fit."""
    task = task_named(order.task)
    if isinstance(order, BatchSpec) and not task.batches:
        raise JobRefused(f"{task.name} gives its result in a stream", remedy="submit its jobs one by one")
    if isinstance(order, BatchSpec):
        parse_messages(task.request, order.payloads)
    else:
        parse_message(task.request, order.payload)
    data = data_of(order)
    if len(data) > MAX_JOB_BYTES:
        raise TooLarge(f"job {order.id} has {len(data)} bytes, the limit is {MAX_JOB_BYTES}")
    return task, data


def _attempts_allowed(fields: dict[bytes, bytes]) -> int:
    """What the job's policy allowed at first; one attempt where the job is not in our form."""
    try:
        order = order_from_data(fields.get(b"data", b""))
        return (order.retry or task_named(order.task).retry).max_attempts
    except (InvalidInput, JobRefused):
        return 1
