"""The job backend: submits jobs, looks at them and waits for them. The worker's side is `consumer`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import redis

from rider_core.api.job_backend import MAX_TOGETHER, JobBackend, QueueStats, TaskFigures
from rider_core.api.jobs import (
    AnySpec,
    BatchItem,
    BatchSpec,
    DeadLetter,
    JobDetails,
    JobPage,
    JobQuery,
    JobRecord,
    JobSpec,
    JobState,
)
from rider_core.api.tasks import check_queue
from rider_core.errors import JobNotFound, QueueFull, TooLarge, WaitTimeout
from rider_core.jobs.consumer import JobConsumer
from rider_core.jobs.dead_letters import DeadLetters, letter_of
from rider_core.jobs.store import keys, metrics, pauses, protocol
from rider_core.jobs.store.admission import Admission
from rider_core.jobs.store.batch_chunks import items_of
from rider_core.jobs.store.functions import JobFunctions
from rider_core.jobs.store.listing import list_jobs
from rider_core.jobs.store.records import details_from_hash, has_ended, record_from_fields, record_from_message
from rider_core.jobs.store.rq_format import rq_time
from rider_core.jobs.submission import encode, submitted_job
from rider_core.jobs.timings import DEFAULT_TIMINGS, JobTimings
from rider_core.jobs.transport import Publisher, Transport
from rider_core.redis_errors import RETRY_AFTER_S, redis_errors
from rider_core.redis_functions import Command, Connection, ConnectionPool
from rider_core.timing import Stopwatch

#: Number of jobs that are read in one round trip.
PAGE = 500
_RESULT_AT = protocol.RECORD_FIELDS.index("result")
_LISTED_FIELDS = tuple(name for name in protocol.RECORD_FIELDS if name != "result")


class RedisJobBackend(JobBackend):
    """Jobs whose records, leases, results and dead letters are in Redis; a transport carries them to workers."""

    def __init__(self, connection: redis.Redis, transport: Transport, timings: JobTimings = DEFAULT_TIMINGS) -> None:
        """
        Args:
            connection: With `decode_responses=False`.
        """
        self.name = transport.name  # type: ignore[misc]  # the class has none: its name is that of the transport
        self.timings = timings
        self._redis = connection
        self._transport = transport
        self._publisher = transport if isinstance(transport, Publisher) else None
        self._pool = ConnectionPool(connection)
        self._functions = JobFunctions(self._pool, transport.library)
        self._admission = Admission(connection, RETRY_AFTER_S)
        self._dead_letters = DeadLetters(connection, self._pool, self._functions, self._publisher)

    def consumer(self, worker: str, queues: Sequence[str]) -> JobConsumer:
        """The consumer with which a worker gets jobs of these queues and commits its results."""
        return JobConsumer(self._redis, self._transport, worker, queues, self.timings)

    def submit(self, spec: JobSpec) -> str:
        with redis_errors():
            return self._accept([spec])[0]

    def run(self, spec: JobSpec, timeout_s: float) -> JobRecord:
        watch = Stopwatch.start()
        with redis_errors():
            try:
                # Subscribed before the job is submitted: its end cannot be missed.
                with self._pool.subscribed(keys.ended_channel(spec.id)) as connection:
                    self._accept([spec], connection)
                    return self._wait_for_end(spec.id, connection, None, watch, timeout_s)
            except (redis.ConnectionError, redis.TimeoutError):
                self._pool.close()
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
            return _record_from(job_id, self._pool.call(*_record_command(job_id)))

    def details(self, job_id: str) -> JobDetails:
        return details_from_hash(job_id, self._hash_of(job_id))

    def payload_bytes(self, job_id: str) -> int:
        with redis_errors():
            return int(self._pool.call("HSTRLEN", keys.job_key(job_id), "data"))

    def list_jobs(self, query: JobQuery) -> JobPage:
        if query.queue is not None:
            check_queue(query.queue)
        with redis_errors():
            if query.state is not None:
                return list_jobs(self._redis, query, query.state, self._transport, self._listed_records)
            ids = cast("list[bytes]", self._redis.lrange(keys.recent_key(), 0, -1))
            records = self._listed_records([raw.decode("utf-8", "replace") for raw in ids])
        ended = [record for record in records if record is not None and query.queue in (None, record.queue)]
        found = [record for record in ended if query.selects(record)]
        return JobPage(jobs=tuple(found[: query.limit]), next=None, total=len(ended))

    def batch_items(self, job_id: str) -> list[BatchItem]:
        progress = self.get(job_id).progress
        if progress is None:
            raise JobNotFound(f"job {job_id!r} is no batch")
        with redis_errors():
            chunks: list[bytes] = self._pool.call("LRANGE", keys.items_key(job_id), 0, -1)
        return items_of(chunks, progress.total)

    def recent(self, limit: int) -> list[JobRecord]:
        with redis_errors():
            ids = cast("list[bytes]", self._redis.lrange(keys.recent_key(), 0, limit - 1))
        return [
            record for record in self._records_of([raw.decode("utf-8", "replace") for raw in ids]) if record is not None
        ]

    def wait(self, job_id: str, timeout_s: float) -> JobRecord:
        watch = Stopwatch.start()
        with redis_errors():
            try:
                return self._wait_once(job_id, watch, timeout_s)
            except (redis.ConnectionError, redis.TimeoutError):
                self._pool.close()
                return self._wait_once(job_id, watch, timeout_s)

    def wait_many(self, job_ids: Sequence[str], timeout_s: float) -> list[JobRecord]:
        watch = Stopwatch.start()
        ended: dict[str, JobRecord] = {}
        left = list(job_ids)
        while left:
            page = left[:PAGE]
            # The last one first: when it has ended, nearly all of the others have.
            self.wait(page[-1], timeout_s - watch.elapsed_s)
            ended |= self._ended_of(page)
            left = [job_id for job_id in left if job_id not in ended]
        return [ended[job_id] for job_id in job_ids]

    def cancel(self, job_id: str) -> bool:
        now = time.time()
        with redis_errors():
            return bool(self._functions.cancel(protocol.CancelHead(job_id, now, rq_time(now))))

    def stats(self) -> list[QueueStats]:
        with redis_errors():
            return metrics.queue_stats(self._redis, self.timings.worker_alive_s, self._transport.waiting_commands)

    def figures(self) -> list[TaskFigures]:
        with redis_errors():
            return metrics.task_figures(self._redis)

    def capacity(self) -> dict[str, int]:
        with redis_errors():
            return metrics.capacity(self._redis, self.timings.worker_alive_s)

    def pause(self, queue: str) -> bool:
        check_queue(queue)
        with redis_errors():
            return pauses.pause(self._redis, queue)

    def resume(self, queue: str) -> bool:
        check_queue(queue)
        with redis_errors():
            return pauses.resume(self._redis, queue)

    def dead_letters(self, queue: str, limit: int, offset: int = 0) -> list[DeadLetter]:
        check_queue(queue)
        with redis_errors():
            return self._dead_letters.of_queue(queue, limit, offset)

    def dead_letter(self, job_id: str) -> DeadLetter:
        details = self.details(job_id)
        if details.record.state is not JobState.FAILED:
            raise JobNotFound(f"job {job_id!r} is no dead letter: it is {details.record.state.value}")
        return letter_of(details)

    def requeue(self, job_id: str) -> bool:
        with redis_errors():
            return self._dead_letters.requeue([job_id]) == 1

    def requeue_all(self, queue: str) -> int:
        check_queue(queue)
        with redis_errors():
            return self._dead_letters.requeue_all(queue)

    def purge(self, job_id: str) -> bool:
        with redis_errors():
            return self._dead_letters.purge([job_id]) == 1

    def purge_all(self, queue: str) -> int:
        check_queue(queue)
        with redis_errors():
            return self._dead_letters.purge_all(queue)

    def close(self) -> None:
        self._transport.close()
        self._pool.close()
        self._redis.close()

    def _wait_once(self, job_id: str, watch: Stopwatch, timeout_s: float) -> JobRecord:
        with self._pool.subscribed(keys.ended_channel(job_id)) as connection:
            record = _record_from(job_id, connection.call(*_record_command(job_id)))
            return self._wait_for_end(job_id, connection, record, watch, timeout_s)

    def _wait_for_end(
        self, job_id: str, connection: Connection, record: JobRecord | None, watch: Stopwatch, timeout_s: float
    ) -> JobRecord:
        """The record once the job has ended; `connection` is subscribed to its end.

        Args:
            record: As it was read last. None: the job has been submitted just now.
        """
        while record is None or not record.state.ended:
            left_s = timeout_s - watch.elapsed_s
            if left_s <= 0:
                state = (record or self.get(job_id)).state.value
                raise WaitTimeout(f"job {job_id} is still {state} after {timeout_s:g} s")
            messages = connection.receive(min(left_s, self.timings.wait_recheck_s))
            record = (record_from_message(job_id, messages[-1].data) if messages else None) or self.get(job_id)
        return record

    def _accept(self, specs: Sequence[AnySpec], connection: Connection | None = None) -> list[str]:
        """Submit. Raises what `submit` does, and redis-py's errors as they are.

        Args:
            connection: The connection to submit on; None: any.
        """
        now = time.time()
        encoded, jobs = [], []
        for spec in specs:
            task, data = encode(spec)
            encoded.append((spec, data))
            jobs.append(submitted_job(spec, task, data, now))
        self._admission.check()
        answers = self._functions.submit(protocol.Now(now, rq_time(now)), jobs, connection)
        if isinstance(answers, bytes):
            raise QueueFull(
                f"{keys.MAX_WAITING} jobs are waiting in {answers.decode()}, no more are taken",
                retry_after_s=RETRY_AFTER_S,
            )
        if self._publisher is not None:
            self._publisher.publish_accepted(self._pool, encoded, answers, now)
        return [spec.id for spec in specs]

    def _hash_of(self, job_id: str) -> dict[bytes, bytes]:
        with redis_errors():
            fields: dict[bytes, bytes] = self._pool.call("HGETALL", keys.job_key(job_id))
        if not fields:
            raise _not_found(job_id)
        return fields

    def _ended_of(self, ids: Sequence[str]) -> dict[str, JobRecord]:
        """The records of those of these jobs that have ended."""
        with redis_errors():
            answers = self._pool.exchange([_record_command(job_id) for job_id in ids])
        records = {}
        for job_id, values in zip(ids, answers, strict=True):
            if isinstance(values, Exception) or values[0] is None:
                raise _not_found(job_id)
            if has_ended(values):
                records[job_id] = _record_from(job_id, values)
        return records

    def _records_of(self, ids: Sequence[str]) -> list[JobRecord | None]:
        """For each id its record, None where there is none."""
        with redis_errors():
            answers = self._pool.exchange([_record_command(job_id) for job_id in ids])
        return [
            None if isinstance(values, Exception) else record_from_fields(job_id, values)
            for job_id, values in zip(ids, answers, strict=True)
        ]

    def _listed_records(self, ids: Sequence[str]) -> list[JobRecord | None]:
        """As `_records_of`, without results, which may be megabytes."""
        with redis_errors():
            answers = self._pool.exchange([("HMGET", keys.job_key(job_id), *_LISTED_FIELDS) for job_id in ids])
        return [
            None
            if isinstance(values, Exception)
            else record_from_fields(job_id, [*values[:_RESULT_AT], None, *values[_RESULT_AT:]])
            for job_id, values in zip(ids, answers, strict=True)
        ]


def _record_command(job_id: str) -> Command:
    return ("HMGET", keys.job_key(job_id), *protocol.RECORD_FIELDS)


def _record_from(job_id: str, values: Sequence[bytes | None]) -> JobRecord:
    record = record_from_fields(job_id, values)
    if record is None:
        raise _not_found(job_id)
    return record


def _not_found(job_id: str) -> JobNotFound:
    return JobNotFound(f"there is no job {job_id!r}", remedy=f"results are kept for {keys.RESULT_TTL_S} s")
