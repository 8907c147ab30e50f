"""The side of the job port that submits, looks and waits. The side that works is `claims`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import redis
from rq.utils import utcparse

from rider_core.api.job_backend import JobBackend, QueueStats
from rider_core.api.jobs import JobRecord, JobSpec
from rider_core.api.messages import parse_message
from rider_core.api.tasks import QUEUES, TASKS, task_named
from rider_core.errors import BackendUnavailable, JobNotFound, JobRefused, WaitTimeout
from rider_core.jobs.rq_backend import keys
from rider_core.jobs.rq_backend.codec import hash_fields, record_from_hash, rq_time
from rider_core.jobs.rq_backend.scripts import Scripts
from rider_core.timing import Stopwatch

#: A worker writes a heartbeat every 5 s; three missed ones, and it counts as gone.
WORKER_ALIVE_S = 15.0
#: `wait` is woken by pub/sub, which forgets; so it also looks by itself from time to time.
WAIT_RECHECK_S = 1.0


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
        with redis_errors():
            fields = cast("dict[bytes, bytes]", self._redis.hgetall(keys.job_key(job_id)))
        if not fields:
            raise JobNotFound(f"there is no job {job_id!r}", remedy=f"results are kept for {keys.RESULT_TTL_S} s")
        return record_from_hash(job_id, fields)

    def recent(self, limit: int) -> list[JobRecord]:
        with redis_errors():
            ids = [raw.decode() for raw in cast("list[bytes]", self._redis.lrange(keys.RECENT, 0, limit - 1))]
            with self._redis.pipeline(transaction=False) as pipeline:
                for job_id in ids:
                    pipeline.hgetall(keys.job_key(job_id))
                hashes = pipeline.execute()
        return [record_from_hash(job_id, fields) for job_id, fields in zip(ids, hashes, strict=True) if fields]

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
                    pipeline.zcard(keys.started_key(name))
                    pipeline.zcard(keys.failed_key(name))
            answers = iter(pipeline.execute())
        stats = []
        for queue in QUEUES:
            figures = [(next(answers), next(answers), next(answers)) for _ in keys.rq_queues(queue)]
            waiting, running, failed = (sum(column) for column in zip(*figures, strict=True))
            serving = sum(queue in worker.get(b"queues", b"").decode().split(",") for worker in workers)
            stats.append(QueueStats(queue=queue, waiting=waiting, running=running, failed=failed, workers=serving))
        return stats

    def capacity(self) -> dict[str, int]:
        able: dict[str, int] = dict.fromkeys(TASKS, 0)
        for worker in self._live_workers():
            for task in json.loads(worker.get(b"rider_tasks", b"[]")):
                able[task] = able.get(task, 0) + 1
        return able

    def close(self) -> None:
        self._redis.close()

    def _submit_arguments(self, spec: JobSpec) -> list[Any]:
        task = task_named(spec.task)
        parse_message(task.request, spec.payload)
        now = time.time()
        return [spec.id, task.queue, keys.rq_queue(task.queue, spec.priority), now, *hash_fields(spec, task, now)]

    def _live_workers(self) -> list[dict[bytes, bytes]]:
        """The hashes of RQ's workers that gave a sign of life lately."""
        with redis_errors():
            names = sorted(cast("set[bytes]", self._redis.smembers("rq:workers")))
            with self._redis.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.hgetall(name)
                hashes = pipeline.execute()
        return [worker for worker in hashes if worker and b"death" not in worker and _beats(worker)]


def _beats(worker: dict[bytes, bytes]) -> bool:
    beat = utcparse(worker.get(b"last_heartbeat", b"").decode()) if worker.get(b"last_heartbeat") else None
    return beat is not None and time.time() - beat.timestamp() < WORKER_ALIVE_S
