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
from rider_core.api.messages import parse_message
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
    about,
    data_of,
    dead_letter_from_hash,
    item_from_outcome,
    order_from_data,
    record_from_hash,
    rq_time,
)
from rider_core.jobs.ledger.desk import ClaimDesk
from rider_core.jobs.ledger.line import Line
from rider_core.jobs.ledger.scripts import Scripts, together
from rider_core.jobs.redis_errors import RETRY_AFTER_S, redis_errors
from rider_core.timing import Stopwatch

#: `wait` is woken by pub/sub, which forgets; so it also looks by itself from time to time.
WAIT_RECHECK_S = 1.0
#: So many dead letters are requeued or purged in one round trip.
PAGE = 500
#: One job with all its payload, in bytes: 300 s of sound at 48 kHz in base64, and room for a batch of shorter ones.
MAX_JOB_BYTES = 64 * 1024 * 1024


class LedgerBackend(JobBackend):
    """Jobs whose records, leases, results and dead letters are in Redis, written by our scripts."""

    def __init__(self, connection: redis.Redis, broker: bool) -> None:
        """
        Args:
            connection: With `decode_responses=False`.
            broker: A message broker carries the jobs, not RQ's lists.
        """
        self._redis = connection
        self._line = Line(connection)
        self._scripts = Scripts(self._line, broker)
        self._broker = broker
        self._admission = Admission(connection, RETRY_AFTER_S)

    @abstractmethod
    def desk(self, worker: str, queues: Sequence[str]) -> ClaimDesk:
        """Where a worker gets jobs of these queues and hands in what came of them."""

    def submit(self, spec: JobSpec) -> str:
        return self._accept([spec])[0]

    def submit_many(self, specs: Sequence[JobSpec]) -> list[str]:
        if len(specs) > MAX_TOGETHER:
            raise TooLarge(f"{len(specs)} jobs in one call, the limit is {MAX_TOGETHER}")
        return self._accept(specs) if specs else []

    def submit_batch(self, spec: BatchSpec) -> str:
        return self._accept([spec])[0]

    def get(self, job_id: str) -> JobRecord:
        return record_from_hash(job_id, self._hash_of(job_id))

    def batch_items(self, job_id: str) -> list[BatchItem]:
        progress = self.get(job_id).progress
        if progress is None:
            raise JobNotFound(f"job {job_id!r} is no batch")
        with redis_errors():
            outcomes = cast("dict[bytes, bytes]", self._redis.hgetall(keys.items_key(job_id)))
        return [item_from_outcome(outcomes.get(b"%d" % number)) for number in range(progress.total)]

    def recent(self, limit: int) -> list[JobRecord]:
        with redis_errors():
            ids = cast("list[bytes]", self._redis.lrange(keys.RECENT, 0, limit - 1))
        return [record_from_hash(job_id, fields) for job_id, fields in self._hashes_of(ids)]

    def wait(self, job_id: str, timeout_s: float) -> JobRecord:
        watch = Stopwatch.start()
        with redis_errors(), self._line.listening(keys.ENDED_CHANNEL.format(id=job_id)) as heard:
            record = self.get(job_id)
            while not record.state.ended:
                left_s = timeout_s - watch.elapsed_s
                if left_s <= 0:
                    raise WaitTimeout(f"job {job_id} is still {record.state.value} after {timeout_s:g} s")
                heard(min(left_s, WAIT_RECHECK_S))
                record = self.get(job_id)
        return record

    def wait_many(self, job_ids: Sequence[str], timeout_s: float) -> list[JobRecord]:
        watch = Stopwatch.start()
        ended: dict[str, JobRecord] = {}
        left = list(job_ids)
        while left:
            with redis_errors():
                known = dict(self._hashes_of([job_id.encode() for job_id in left[:PAGE]]))
            for job_id in left[:PAGE]:
                record = record_from_hash(job_id, known[job_id]) if job_id in known else self.get(job_id)
                if record.state.ended:
                    ended[job_id] = record
            left = [job_id for job_id in left if job_id not in ended]
            if left and left[0] in known:
                # The first that has not ended: the others will be looked at when it has.
                self.wait(left[0], timeout_s - watch.elapsed_s)
        return [ended[job_id] for job_id in job_ids]

    def cancel(self, job_id: str) -> bool:
        now = time.time()
        with redis_errors():
            return bool(self._scripts.cancel(args=[job_id, now, rq_time(now)]))

    def stats(self) -> list[QueueStats]:
        with redis_errors():
            return figures.queue_stats(self._redis, self._broker)

    def figures(self) -> list[TaskFigures]:
        with redis_errors():
            return figures.task_figures(self._redis)

    def capacity(self) -> dict[str, int]:
        with redis_errors():
            return figures.capacity(self._redis)

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

    def _published(self, orders: Sequence[tuple[AnySpec, bytes]], now: float) -> None:
        """Orders with their data are in the ledger; a broker must be handed their tickets, or they are withdrawn."""

    def _asked_again(self, orders: Sequence[tuple[AnySpec, bytes]], now: float) -> None:
        """Orders that were in the ledger before, and that nobody has started; a broker may have no ticket for them."""

    def _requeued(self, hashes: Sequence[tuple[str, dict[bytes, bytes]]]) -> None:
        """Dead letters wait again; a broker must be handed their tickets."""

    def _accept(self, orders: Sequence[AnySpec]) -> list[str]:
        now = time.time()
        prepared = [(order, *_prepared(order)) for order in orders]
        arguments: list[Any] = [now, rq_time(now)]
        for order, task, data in prepared:
            lane = keys.lane_of(task.queue, order.priority)
            arguments += order.id, lane, order.due_ts or 0, int(task.timeout_s), data, about(order, task, now)
        with redis_errors():
            self._admission.check()
            answers = self._scripts.submit(args=arguments)
        if isinstance(answers, bytes):
            raise QueueFull(
                f"{keys.MAX_WAITING} jobs are waiting in {answers.decode()}, no more are taken",
                retry_after_s=RETRY_AFTER_S,
            )
        by_answer: dict[int, list[tuple[AnySpec, bytes]]] = {1: [], 2: [], 0: []}
        for (order, _, data), answer in zip(prepared, answers, strict=True):
            by_answer[answer].append((order, data))
        self._published(by_answer[1], now)
        self._asked_again(by_answer[2], now)
        return [order.id for order in orders]

    def _hash_of(self, job_id: str) -> dict[bytes, bytes]:
        with redis_errors():
            fields = self._line.call("HGETALL", keys.job_key(job_id))
        if not fields:
            raise JobNotFound(f"there is no job {job_id!r}", remedy=f"results are kept for {keys.RESULT_TTL_S} s")
        return _pairs(fields)

    def _hashes_of(self, ids: Sequence[bytes]) -> list[tuple[str, dict[bytes, bytes]]]:
        """Ids with their hashes; those whose hash has expired are left out."""
        names = [raw.decode() for raw in ids]
        with redis_errors():
            hashes = self._line.call_together([("HGETALL", keys.job_key(name)) for name in names])
        return [(name, _pairs(fields)) for name, fields in zip(names, hashes, strict=True) if fields]

    def _failed_ids(self, queue: str) -> list[bytes]:
        """The dead letters of all priorities, the latest first. There are `DEAD_LETTERS_KEPT` of each at most."""
        with redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for lane in keys.lanes_of(queue):
                pipeline.zrange(keys.failed_key(lane), 0, -1, withscores=True)
            scored = [entry for entries in pipeline.execute() for entry in entries]
        return [job_id for job_id, _ in sorted(scored, key=lambda entry: entry[1], reverse=True)]

    def _in_pages(self, queue: str, act: Callable[[list[str]], int]) -> int:
        check_queue(queue)
        ids = [raw.decode() for raw in self._failed_ids(queue)]
        return sum(act(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE))

    def _requeue_each(self, ids: list[str]) -> int:
        now = time.time()
        hashes = self._hashes_of([job_id.encode() for job_id in ids])
        if not hashes:
            return 0
        with redis_errors():
            answers = together(
                [(self._scripts.requeue, [job_id, now, _attempts_allowed(fields)]) for job_id, fields in hashes]
            )
        self._requeued([entry for entry, answer in zip(hashes, answers, strict=True) if answer])
        return sum(answers)

    def _purge_each(self, ids: list[str]) -> int:
        with redis_errors():
            return sum(together([(self._scripts.purge, [job_id]) for job_id in ids]))


def _pairs(fields: list[bytes]) -> dict[bytes, bytes]:
    """A hash as Redis sends it: names and values in turn."""
    return dict(zip(fields[::2], fields[1::2], strict=True))


def _prepared(order: AnySpec) -> tuple[Task, bytes]:
    """The order's task and its data, once its payload is known to fit."""
    task = task_named(order.task)
    if isinstance(order, BatchSpec) and not task.batches:
        raise JobRefused(f"{task.name} gives its result in a stream", remedy="submit its jobs one by one")
    for payload in order.payloads if isinstance(order, BatchSpec) else [order.payload]:
        parse_message(task.request, payload)
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
