"""Prefetching: jobs are leased while the worker runs another, and started later (`lua/mark_started.lua`)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis

from rider_core.api import JobState, RetryPolicy
from rider_core.jobs import AttemptResult, JobConsumer, LeasedJob, Outcome, RedisJobBackend
from rider_core.jobs.store import keys
from rider_core.testing.jobs.harness import spec
from rider_core.testing.waiting import let_pass

ONCE = RetryPolicy(max_attempts=1)
TWICE = RetryPolicy(max_attempts=2, first_delay_s=0)


@pytest.fixture
def consumer(backend: RedisJobBackend) -> Iterator[JobConsumer]:
    consumer = backend.consumer("w1", ["text"])
    yield consumer
    consumer.close()


def prefetched(consumer: JobConsumer) -> LeasedJob:
    """Prefetch the next job."""
    sent: list[str] = []
    kept, (leased,) = consumer.prefetch([], [], {}, lambda: sent.append("going"))
    assert (kept, sent) == ([], ["going"])
    assert leased.prefetched
    return leased


def as_started(leased: LeasedJob) -> LeasedJob:
    return leased._replace(prefetched=False, started_ts=time.time())


def start(consumer: JobConsumer, leased: LeasedJob) -> LeasedJob:
    started = as_started(leased)
    assert consumer.prefetch([], [started], None, lambda: None) == ([], [])
    return started


def lose_leases(connection: redis.Redis) -> None:
    """As if their worker had died long ago."""
    for member in connection.zrange(keys.started_key("text"), 0, -1):
        connection.zadd(keys.started_key("text"), {member: time.time() - 1})


def events(connection: redis.Redis, kind: str) -> int:
    return sum(fields[b"event"].count(f'"{kind}"'.encode()) for _, fields in connection.xrange("rider:events"))


def test_it_starts_when_the_worker_begins_it(
    backend: RedisJobBackend, connection: redis.Redis, consumer: JobConsumer
) -> None:
    job_id = backend.submit(spec(retry=ONCE))
    leased = prefetched(consumer)
    assert (leased.id, leased.attempt) == (job_id, 1)
    assert connection.llen(keys.queue_key("text")) == 0
    record = backend.get(job_id)
    assert (record.state, record.attempts, record.started_ts) == (JobState.RUNNING, 0, None)
    assert events(connection, "job.started") == 0
    let_pass(0.05, "the job before it runs")
    started = start(consumer, leased)
    record = backend.get(job_id)
    assert (record.state, record.attempts) == (JobState.RUNNING, 1)
    assert record.started_ts == pytest.approx(started.started_ts)
    assert events(connection, "job.started") == 1
    assert consumer.commit([AttemptResult(started, Outcome.DONE, '{"text":"x"}')]) == [True]
    assert backend.get(job_id).value() == {"text": "x"}
    assert connection.zcard(keys.started_key("text")) == 0


def test_one_message_stores_begins_and_takes(backend: RedisJobBackend, consumer: JobConsumer) -> None:
    ids = backend.submit_many([spec() for _ in range(3)])
    (first,) = consumer.dequeue()
    second = prefetched(consumer)
    done = AttemptResult(first, Outcome.DONE, '{"text":"x"}')
    kept, (third,) = consumer.prefetch([done], [as_started(second)], {}, lambda: None)
    assert kept == [True]
    assert [first.id, second.id, third.id] == ids
    assert [backend.get(job_id).attempts for job_id in ids] == [1, 1, 0]
    assert backend.get(ids[0]).state is JobState.DONE


def test_a_worker_that_dies_before_costs_no_attempt(
    backend: RedisJobBackend, connection: redis.Redis, consumer: JobConsumer
) -> None:
    job_id = backend.submit(spec(retry=ONCE))
    prefetched(consumer)
    lose_leases(connection)
    assert consumer.reap() == 1
    record = backend.get(job_id)
    assert (record.state, record.attempts, record.problem) == (JobState.WAITING, 0, None)
    figures = {task.task: task for task in backend.figures()}["text.generate"]
    assert (figures.started, figures.returned) == (0, 0), (
        "the job was not counted as started, so its return is not counted either"
    )
    (leased,) = consumer.dequeue()
    assert leased.attempt == 1


def test_a_worker_that_dies_of_it_costs_one(
    backend: RedisJobBackend, connection: redis.Redis, consumer: JobConsumer
) -> None:
    job_id = backend.submit(spec(retry=ONCE))
    start(consumer, prefetched(consumer))
    lose_leases(connection)
    assert consumer.reap() == 0
    assert backend.get(job_id).state is JobState.FAILED


@pytest.mark.parametrize("how", ["given back", "died"])
def test_earlier_attempts_stay_counted(
    backend: RedisJobBackend, connection: redis.Redis, consumer: JobConsumer, how: str
) -> None:
    job_id = backend.submit(spec(retry=TWICE))
    (leased,) = consumer.dequeue()
    consumer.commit([AttemptResult(leased, Outcome.FAILED, '{"code":"crashed","message":"boom"}')])
    leased = prefetched(consumer)
    assert leased.attempt == 2
    if how == "died":
        lose_leases(connection)
        assert consumer.reap() == 1
    else:
        assert consumer.commit([AttemptResult(leased, Outcome.RELEASED)]) == [True]
    assert (backend.get(job_id).state, backend.get(job_id).attempts) == (JobState.WAITING, 1)
    (leased,) = consumer.dequeue()
    assert leased.attempt == 2
    consumer.commit([AttemptResult(leased, Outcome.FAILED, '{"code":"crashed","message":"boom"}')])
    assert backend.get(job_id).state is JobState.FAILED


def test_one_that_was_cancelled_meanwhile_is_not_started(backend: RedisJobBackend, consumer: JobConsumer) -> None:
    job_id = backend.submit(spec())
    leased = prefetched(consumer)
    assert backend.cancel(job_id)
    started = start(consumer, leased)
    assert consumer.commit([AttemptResult(started, Outcome.DONE, '{"text":"x"}')]) == [False]
    record = backend.get(job_id)
    assert (record.state, record.attempts) == (JobState.CANCELLED, 0)


def test_a_busy_worker_accepts_no_dispatch(backend: RedisJobBackend, consumer: JobConsumer) -> None:
    consumer.wait_for_work(0.1)  # subscribes
    assert consumer.prefetch([], [], {}, lambda: None) == ([], [])
    job_id = backend.submit(spec())
    assert backend.get(job_id).state is JobState.WAITING
    assert [leased.id for leased in consumer.dequeue()] == [job_id]


def test_rq_sees_the_job_that_was_begun(
    backend: RedisJobBackend, connection: redis.Redis, consumer: JobConsumer
) -> None:
    connection.hset("rq:worker:w1", "state", "idle")
    ids = backend.submit_many([spec(), spec()])

    def seen() -> list[str]:
        return [member.decode().partition(":")[0] for member in connection.smembers("rq:worker:w1:executions")]

    consumer.dequeue()
    leased = prefetched(consumer)
    assert seen() == ids[:1]
    start(consumer, leased)
    assert seen() == ids[1:]
    assert connection.hget("rq:worker:w1", "state") == b"busy"
