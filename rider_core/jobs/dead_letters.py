"""Jobs that failed for good: lists them, puts them back into their queues, and deletes them.

All methods raise redis-py's errors as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from rider_core.api.jobs import DeadLetter, JobDetails
from rider_core.api.tasks import task_named
from rider_core.errors import InvalidInput, JobRefused
from rider_core.jobs.store import keys, protocol
from rider_core.jobs.store.functions import JobFunctions
from rider_core.jobs.store.records import details_from_hash
from rider_core.jobs.store.spec_codec import spec_from_data
from rider_core.jobs.transport import Publisher
from rider_core.redis_functions import ConnectionPool, call_together

#: Number of jobs that are requeued or purged in one round trip.
PAGE = 500


class DeadLetters:
    """The dead letters of all queues."""

    def __init__(
        self, connection: redis.Redis, pool: ConnectionPool, functions: JobFunctions, publisher: Publisher | None
    ) -> None:
        """
        Args:
            publisher: Of a transport whose broker must be told of requeued jobs.
        """
        self._redis = connection
        self._pool = pool
        self._functions = functions
        self._publisher = publisher

    def of_queue(self, queue: str, limit: int, offset: int) -> list[DeadLetter]:
        """Those of a queue, the latest first."""
        ids = self._ids_of(queue)[offset : offset + limit]
        return [letter_of(details_from_hash(job_id, fields)) for job_id, fields in self._hashes_of(ids)]

    def requeue_all(self, queue: str) -> int:
        """Number of jobs that wait again."""
        return self._in_pages(queue, self.requeue)

    def purge_all(self, queue: str) -> int:
        """Number of jobs that were deleted."""
        return self._in_pages(queue, self.purge)

    def requeue(self, ids: list[str]) -> int:
        """Number of these that wait again, with all their attempts; the others are no dead letters."""
        now = time.time()
        hashes = self._hashes_of(ids)
        if not hashes:
            return 0
        answers = call_together(
            [
                self._functions.requeue.prepare(protocol.RequeueHead(job_id, now, _attempts_allowed(fields)))
                for job_id, fields in hashes
            ]
        )
        if self._publisher is not None:
            self._publisher.publish_requeued([entry for entry, answer in zip(hashes, answers, strict=True) if answer])
        return sum(answers)

    def purge(self, ids: list[str]) -> int:
        """Number of these that were deleted; the others are no dead letters."""
        return sum(call_together([self._functions.purge.prepare(protocol.JobHead(job_id)) for job_id in ids]))

    def _in_pages(self, queue: str, act: Callable[[list[str]], int]) -> int:
        ids = self._ids_of(queue)
        return sum(act(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE))

    def _ids_of(self, queue: str) -> list[str]:
        """The dead letters of all priorities, the latest first. There are `DEAD_LETTERS_KEPT` of each at most."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for lane in keys.lanes_of(queue):
                pipeline.zrange(keys.failed_key(lane), 0, -1, withscores=True)
            scored = [entry for entries in pipeline.execute() for entry in entries]
        return [raw.decode("utf-8", "replace") for raw, _ in sorted(scored, key=lambda entry: entry[1], reverse=True)]

    def _hashes_of(self, ids: list[str]) -> list[tuple[str, dict[bytes, bytes]]]:
        """Ids with their hashes; those whose hash has expired are left out."""
        hashes = self._pool.exchange([("HGETALL", keys.job_key(job_id)) for job_id in ids])
        return [
            (job_id, fields) for job_id, fields in zip(ids, hashes, strict=True) if fields and isinstance(fields, dict)
        ]


def letter_of(details: JobDetails) -> DeadLetter:
    return DeadLetter(record=details.record, spec=details.spec, traceback=details.traceback)


def _attempts_allowed(fields: dict[bytes, bytes]) -> int:
    """What the job's policy allowed at first; one attempt where the job is not in our form."""
    try:
        spec = spec_from_data(fields.get(b"data", b""))
        return (spec.retry or task_named(spec.task).retry).max_attempts
    except (InvalidInput, JobRefused):
        return 1
