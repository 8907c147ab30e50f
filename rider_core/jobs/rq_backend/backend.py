"""The side of the job port that submits, looks and waits. The side that works is `claims`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import redis
from rq.utils import utcparse

from rider_core.api.job_backend import JobBackend, QueueStats
from rider_core.api.jobs import DeadLetter, JobRecord, JobSpec, JobState
from rider_core.api.messages import parse_message
from rider_core.api.tasks import QUEUES, TASKS, check_queue, task_named
from rider_core.errors import BackendUnavailable, InvalidInput, JobNotFound, JobRefused, WaitTimeout
from rider_core.jobs.rq_backend import keys
from rider_core.jobs.rq_backend.codec import (
    dead_letter_from_hash,
    hash_fields,
    record_from_hash,
    rq_time,
    spec_from_data,
)
from rider_core.jobs.rq_backend.scripts import Scripts
from rider_core.timing import Stopwatch

#: A worker writes a heartbeat every 5 s; three missed ones, and it counts as gone.
WORKER_ALIVE_S = 15.0
#: `wait` is woken by pub/sub, which forgets; so it also looks by itself from time to time.
WAIT_RECHECK_S = 1.0
#: So many dead letters are requeued or purged in one round trip.
PAGE = 500


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turns redis-py's errors into ours."""
    try:
        yield
    except redis.RedisError as error:
        raise BackendUnavailable(
            f"Redis cannot be reached: {error}", remedy="start it, or correct REDIS_URL; then try again"
        ) from error


class RQBackend(JobBackend):
    """RQ's queues and registries in Redis, through our own scripts."""

    name: ClassVar[str] = "rq"

    def __init__(self, connection: redis.Redis) -> None:
        """
        Args:
            connection: With `decode_responses=False`.
        """
        self._redis = connection
        self._scripts = Scripts(connection)

    def submit(self, spec: JobSpec) -> str:
        return self.submit_many([spec])[0]

    def submit_many(self, specs: Sequence[JobSpec]) -> list[str]:
        calls = [self._submit_arguments(spec) for spec in specs]
        with redis_errors():
            if len(calls) == 1:
                answers = [self._scripts.submit(args=calls[0])]
            else:
                with self._redis.pipeline(transaction=False) as pipeline:
                    for arguments in calls:
                        self._scripts.submit(args=arguments, client=pipeline)
                    answers = pipeline.execute()
        if -1 in answers:
            raise JobRefused(
                f"the queue has {keys.MAX_WAITING} waiting jobs; {answers.count(-1)} of {len(specs)} were refused",
                remedy="try again in 10 seconds, or start more workers",
            )
        return [spec.id for spec in specs]

    def get(self, job_id: str) -> JobRecord:
        return record_from_hash(job_id, self._hash_of(job_id))

    def recent(self, limit: int) -> list[JobRecord]:
        with redis_errors():
            ids = cast("list[bytes]", self._redis.lrange(keys.RECENT, 0, limit - 1))
        return [record_from_hash(job_id, fields) for job_id, fields in self._hashes_of(ids)]

    def wait(self, job_id: str, timeout_s: float) -> JobRecord:
        watch = Stopwatch.start()
        pubsub: Any = self._redis.pubsub  # redis-py leaves it untyped
        with redis_errors(), pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(keys.ENDED_CHANNEL.format(id=job_id))
            record = self.get(job_id)
            while not record.state.ended:
                left_s = timeout_s - watch.elapsed_s
                if left_s <= 0:
                    raise WaitTimeout(f"job {job_id} is still {record.state.value} after {timeout_s:g} s")
                channel.get_message(timeout=min(left_s, WAIT_RECHECK_S))
                record = self.get(job_id)
        return record

    def cancel(self, job_id: str) -> bool:
        now = time.time()
        with redis_errors():
            return bool(self._scripts.cancel(args=[job_id, now, rq_time(now)]))

    def stats(self) -> list[QueueStats]:
        workers = self._live_workers()
        with redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for queue in QUEUES:
                for name in keys.rq_queues(queue):
                    pipeline.llen(keys.queue_key(name))
                    pipeline.zcard(keys.scheduled_key(name))
                    pipeline.zcard(keys.started_key(name))
                    pipeline.zcard(keys.failed_key(name))
            answers = iter(pipeline.execute())
        stats = []
        for queue in QUEUES:
            figures = [[next(answers) for _ in range(4)] for _ in keys.rq_queues(queue)]
            waiting, scheduled, running, failed = (sum(column) for column in zip(*figures, strict=True))
            serving = sum(queue in worker.get(b"queues", b"").decode().split(",") for worker in workers)
            stats.append(
                QueueStats(
                    queue=queue, waiting=waiting, scheduled=scheduled, running=running, failed=failed, workers=serving
                )
            )
        return stats

    def capacity(self) -> dict[str, int]:
        able: dict[str, int] = dict.fromkeys(TASKS, 0)
        for worker in self._live_workers():
            for task in json.loads(worker.get(b"rider_tasks", b"[]")):
                able[task] = able.get(task, 0) + 1
        return able

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
        self._redis.close()

    def _hash_of(self, job_id: str) -> dict[bytes, bytes]:
        with redis_errors():
            fields = cast("dict[bytes, bytes]", self._redis.hgetall(keys.job_key(job_id)))
        if not fields:
            raise JobNotFound(f"there is no job {job_id!r}", remedy=f"results are kept for {keys.RESULT_TTL_S} s")
        return fields

    def _hashes_of(self, ids: Sequence[bytes]) -> list[tuple[str, dict[bytes, bytes]]]:
        """Ids with their hashes; those whose hash has expired are left out."""
        names = [raw.decode() for raw in ids]
        with redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.hgetall(keys.job_key(name))
            hashes = pipeline.execute()
        return [(name, fields) for name, fields in zip(names, hashes, strict=True) if fields]

    def _failed_ids(self, queue: str) -> list[bytes]:
        """The dead letters of all priorities, the latest first. There are `DEAD_LETTERS_KEPT` of each at most."""
        with redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for name in keys.rq_queues(queue):
                pipeline.zrange(keys.failed_key(name), 0, -1, withscores=True)
            scored = [entry for entries in pipeline.execute() for entry in entries]
        return [job_id for job_id, _ in sorted(scored, key=lambda entry: entry[1], reverse=True)]

    def _in_pages(self, queue: str, act: Callable[[list[str]], int]) -> int:
        check_queue(queue)
        ids = [raw.decode() for raw in self._failed_ids(queue)]
        return sum(act(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE))

    def _requeue_each(self, ids: list[str]) -> int:
        now = time.time()
        hashes = self._hashes_of([job_id.encode() for job_id in ids])
        with redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for job_id, fields in hashes:
                self._scripts.requeue(args=[job_id, now, _attempts_allowed(fields)], client=pipeline)
            return sum(pipeline.execute())

    def _purge_each(self, ids: list[str]) -> int:
        with redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                self._scripts.purge(args=[job_id], client=pipeline)
            return sum(pipeline.execute())

    def _submit_arguments(self, spec: JobSpec) -> list[Any]:
        task = task_named(spec.task)
        parse_message(task.request, spec.payload)
        now = time.time()
        rq_queue = keys.rq_queue(task.queue, spec.priority)
        when = (now, rq_time(now), spec.due_ts or 0)
        return [spec.id, task.queue, rq_queue, *when, spec.newest_key or "", *hash_fields(spec, task, now)]

    def _live_workers(self) -> list[dict[bytes, bytes]]:
        """The hashes of RQ's workers that gave a sign of life lately."""
        with redis_errors():
            names = sorted(cast("set[bytes]", self._redis.smembers("rq:workers")))
            with self._redis.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.hgetall(name)
                hashes = pipeline.execute()
        return [worker for worker in hashes if worker and b"death" not in worker and _beats(worker)]


def _attempts_allowed(fields: dict[bytes, bytes]) -> int:
    """What the job's policy allowed at first; one attempt where the job is not in our form."""
    try:
        spec = spec_from_data(fields.get(b"data", b""))
        return (spec.retry or task_named(spec.task).retry).max_attempts
    except (InvalidInput, JobRefused):
        return 1


def _beats(worker: dict[bytes, bytes]) -> bool:
    beat = utcparse(worker.get(b"last_heartbeat", b"").decode()) if worker.get(b"last_heartbeat") else None
    return beat is not None and time.time() - beat.timestamp() < WORKER_ALIVE_S
