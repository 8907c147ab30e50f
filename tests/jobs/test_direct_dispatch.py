"""Direct dispatch: the function that accepts a job leases it to an idle worker (`lua/direct_dispatch.lua`)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from rider_core.api import JobState, RetryPolicy
from rider_core.jobs import AttemptResult, JobConsumer, Outcome, RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.rq_lists.source import RQListSource
from rider_core.jobs.store import keys
from rider_core.jobs.store.keys import MAX_NOTIFIED_BYTES
from rider_core.runtime.redis_connection import connect
from rider_core.testing.jobs.harness import spec
from rider_core.testing.valkey import Valkey

Idle = Callable[[str], JobConsumer]


@pytest.fixture
def idle(backend: RedisJobBackend) -> Iterator[Idle]:
    """Makes consumers of idle workers, which accept direct dispatch."""
    consumers = []

    def make(worker: str) -> JobConsumer:
        consumer = backend.consumer(worker, ["text"])
        consumers.append(consumer)
        consumer.wait_for_work(0.1)  # subscribes
        assert consumer.dequeue() == []
        return consumer

    yield make
    for consumer in consumers:
        consumer.close()


def disconnect(consumer: JobConsumer) -> None:
    assert isinstance(consumer.source, RQListSource)
    assert consumer.source._subscriber is not None
    consumer.source._subscriber.close()


def waiting(connection: redis.Redis) -> int:
    return int(connection.llen(keys.queue_key("text")))


def test_it_is_leased_in_the_step_that_accepts_it(
    backend: RedisJobBackend, connection: redis.Redis, idle: Idle
) -> None:
    consumer = idle("w1")
    job_id = backend.submit(spec())
    assert waiting(connection) == 0
    record = backend.get(job_id)
    assert (record.state, record.attempts) == (JobState.RUNNING, 1)
    consumer.wait_for_work(5)
    (leased,) = consumer.dequeue()
    assert (leased.id, leased.attempt, leased.task) == (job_id, 1, "text.generate")
    assert consumer.commit([AttemptResult(leased, Outcome.DONE, '{"text":"x"}')]) == [True]
    assert backend.get(job_id).value() == {"text": "x"}
    assert connection.zcard(keys.started_key("text")) == 0
    started = [event for event in connection.xrange("rider:events") if b"job.started" in event[1][b"event"]]
    assert len(started) == 1


def test_each_job_wakes_one_worker(backend: RedisJobBackend, connection: redis.Redis, idle: Idle) -> None:
    consumers = [idle(f"w{number}") for number in range(3)]
    ids = [backend.submit(spec()) for _ in range(4)]
    assert waiting(connection) == 1
    taken = []
    for consumer in consumers:
        consumer.wait_for_work(5)
        taken += [leased.id for leased in consumer.dequeue()]
    assert sorted(taken) == sorted(ids[:3])


def test_several_together_are_left_for_workers_to_take_together(
    backend: RedisJobBackend, connection: redis.Redis, idle: Idle
) -> None:
    consumer = idle("w1")
    ids = backend.submit_many([spec() for _ in range(3)])
    assert waiting(connection) == 3
    consumer.wait_for_work(5)
    assert [leased.id for leased in consumer.dequeue({"text.generate": 10})] == ids
    backend.submit(spec())
    assert waiting(connection) == 1, "a busy worker accepts no dispatch"


@pytest.mark.parametrize("what", ["long", "late", "scheduled"])
def test_what_is_not_dispatched(backend: RedisJobBackend, idle: Idle, what: str) -> None:
    consumer = idle("w1")
    now = time.time()
    job_id = backend.submit(
        {
            "long": spec(payload={"prompt": "x" * MAX_NOTIFIED_BYTES}),
            "late": spec(deadline_ts=now - 1),
            "scheduled": spec(due_ts=now + 0.3),
        }[what]
    )
    assert backend.get(job_id).attempts == 0
    end = time.monotonic() + 5
    while not (leased_jobs := consumer.dequeue()) and backend.get(job_id).state is not JobState.EXPIRED:
        assert time.monotonic() < end
        consumer.wait_for_work(1)
    assert [leased.id for leased in leased_jobs] == ([] if what == "late" else [job_id])


def test_no_job_is_dispatched_to_suspended_workers(
    backend: RedisJobBackend, connection: redis.Redis, idle: Idle
) -> None:
    consumer = idle("w1")
    connection.set("rq:suspended", 1)
    job_id = backend.submit(spec())
    assert backend.get(job_id).state is JobState.WAITING
    assert consumer.dequeue() == []
    connection.delete("rq:suspended")
    assert [leased.id for leased in consumer.dequeue()] == [job_id]


def test_no_job_of_a_paused_queue_is_dispatched(backend: RedisJobBackend, idle: Idle) -> None:
    consumer = idle("w1")
    backend.pause("text")
    job_id = backend.submit(spec())
    assert backend.get(job_id).state is JobState.WAITING
    assert consumer.dequeue() == []
    backend.resume("text")
    assert [leased.id for leased in consumer.dequeue()] == [job_id]


def test_a_sleeping_worker_is_woken_when_a_queue_continues(backend: RedisJobBackend, idle: Idle) -> None:
    consumer = idle("w1")
    backend.pause("text")
    job_id = backend.submit(spec())
    assert consumer.dequeue() == []
    resuming = threading.Timer(0.3, backend.resume, ["text"])
    resuming.start()
    began = time.monotonic()
    while not (leased := consumer.dequeue()):
        consumer.wait_for_work(10)
    assert [each.id for each in leased] == [job_id]
    assert time.monotonic() - began < 5, "it slept on"
    resuming.join()


def test_suspended_workers_accept_dispatch_for_later(backend: RedisJobBackend, connection: redis.Redis) -> None:
    connection.set("rq:suspended", 1)
    consumer = backend.consumer("w1", ["text"])
    consumer.wait_for_work(0.1)  # subscribes
    assert consumer.dequeue() == []
    connection.delete("rq:suspended")
    began = time.monotonic()
    assert consumer.dequeue() == []
    assert time.monotonic() - began < 0.5, "it waited for a job that was not dispatched"
    consumer.close()


def test_a_worker_that_died_is_passed_over(backend: RedisJobBackend, idle: Idle) -> None:
    dead, living = idle("w1"), idle("w2")
    disconnect(dead)
    ids = [backend.submit(spec()) for _ in range(2)]
    living.wait_for_work(5)
    assert [leased.id for leased in living.dequeue()] == ids[:1]
    assert [leased.id for leased in living.dequeue()] == ids[1:]


def test_what_comes_while_it_looks_is_not_overlooked(
    backend: RedisJobBackend, connection: redis.Redis, idle: Idle
) -> None:
    """A job is dispatched between the end of the worker's wait and its next `dequeue`."""
    consumer = idle("w1")
    dispatched, other = backend.submit(spec()), backend.submit(spec())
    assert [leased.id for leased in consumer.dequeue()] == [dispatched]
    assert waiting(connection) == 1
    assert [leased.id for leased in consumer.dequeue()] == [other]


def test_a_worker_that_ends_releases_its_dispatched_job(backend: RedisJobBackend, idle: Idle) -> None:
    leaving, staying = idle("w1"), idle("w2")
    ids = {backend.submit(spec()) for _ in range(2)}
    left = leaving.stop_accepting()
    assert len(left) == 1
    leaving.commit([AttemptResult(left[0], Outcome.RELEASED)])
    taken = {leased.id for _ in range(2) for leased in (staying.wait_for_work(1), staying.dequeue())[1]}
    assert taken == ids
    assert leaving.stop_accepting() == []
    assert backend.get(backend.submit(spec())).state is JobState.WAITING, "no worker accepts dispatch"


def test_what_is_lost_with_the_connection_is_run_again(
    backend: RedisJobBackend, connection: redis.Redis, idle: Idle, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = idle("w1")
    job_id = backend.submit(spec(retry=RetryPolicy(max_attempts=2)))
    disconnect(consumer)  # with the job in its buffer
    assert consumer.dequeue() == []
    assert "was lost with the connection" in caplog.text
    (member,) = connection.zrange(keys.started_key("text"), 0, -1)
    connection.zadd(keys.started_key("text"), {member: time.time() - 1})
    assert consumer.reap() == 1
    (leased,) = consumer.dequeue()
    assert (leased.id, leased.attempt) == (job_id, 2)


def test_dispatch_offers_expire_with_their_workers(
    backend: RedisJobBackend, connection: redis.Redis, idle: Idle
) -> None:
    consumer = idle("w1")
    for key in (keys.dispatch_key("w1"), keys.idle_workers_key("text")):
        assert 0 < connection.ttl(key) <= keys.DISPATCH_TTL_S
    for key in (keys.dispatch_key("w1"), keys.idle_workers_key("text")):
        connection.expire(key, 5)
    assert consumer.dequeue() == []
    for key in (keys.dispatch_key("w1"), keys.idle_workers_key("text")):
        assert connection.ttl(key) > 5, "it still dequeues, so its offer is renewed"
    consumer.stop_accepting()
    consumer.close()
    assert not connection.keys("rider:dispatch*")


def test_redis_is_killed_while_a_worker_accepts_dispatch(valkey: Valkey) -> None:
    backend = RedisJobBackend(connect(valkey.url), RQLists())
    consumer = backend.consumer("w1", ["text"])
    consumer.wait_for_work(0.1)  # subscribes
    assert consumer.dequeue() == []
    valkey.kill()
    valkey.start()
    job_id = backend.submit(spec())  # no worker is subscribed
    assert backend.get(job_id).state is JobState.WAITING
    with pytest.raises(redis.RedisError):
        consumer.wait_for_work(1)
    consumer.wait_for_work(1)
    assert [leased.id for leased in consumer.dequeue()] == [job_id]
    consumer.close()
    backend.close()


def test_what_nobody_expected_is_left_alone(
    connection: redis.Redis, idle: Idle, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = idle("w1")
    line = json.dumps(["stranger", "text", "text.generate", "not-its-name", "", "1.0"])
    for message in (f"{line}\n{{}}", "nonsense", "[1, 2]", "7", ""):
        connection.publish(keys.dispatch_key("w1"), message)
        consumer.wait_for_work(1)
        assert consumer.dequeue() == []
    assert "to a worker that did not expect it" in caplog.text
    assert caplog.text.count("is none") == 4
