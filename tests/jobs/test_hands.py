"""A worker that has nothing to do is handed the next job in the step that accepts it (`lua/hands.lua`)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from rider_core.api import JobState, RetryPolicy
from rider_core.jobs.ledger import Ended, Outcome, keys
from rider_core.jobs.ledger.functions import MAX_TOLD_BYTES
from rider_core.jobs.rq_backend import RQBackend
from rider_core.jobs.rq_backend.desk import RQDesk
from rider_core.runtime.redis_connection import connect
from rider_core.testing.jobs.stage import spec
from rider_core.testing.valkey import Valkey

Idle = Callable[[str], RQDesk]


@pytest.fixture
def backend(connection: redis.Redis) -> Iterator[RQBackend]:
    backend = RQBackend(connection)
    yield backend
    backend.close()


@pytest.fixture
def idle(backend: RQBackend) -> Iterator[Idle]:
    """Desks of workers that have looked, found nothing, and listen."""
    desks = []

    def make(worker: str) -> RQDesk:
        desk = backend.desk(worker, ["text"])
        desks.append(desk)
        desk.wait_for_work(0.1)  # begins to listen
        assert desk.take() == []
        return desk

    yield make
    for desk in desks:
        desk.close()


def waiting(connection: redis.Redis) -> int:
    return int(connection.llen(keys.queue_key("text")))


def test_it_is_leased_in_the_step_that_accepts_it(backend: RQBackend, connection: redis.Redis, idle: Idle) -> None:
    desk = idle("w1")
    job_id = backend.submit(spec())
    assert waiting(connection) == 0
    record = backend.get(job_id)
    assert (record.state, record.attempts) == (JobState.RUNNING, 1)
    desk.wait_for_work(5)
    (claim,) = desk.take()
    assert (claim.id, claim.attempt, claim.task) == (job_id, 1, "text.generate")
    assert desk.commit([Ended(claim, Outcome.DONE, '{"text":"x"}')]) == [True]
    assert backend.get(job_id).value() == {"text": "x"}
    assert connection.zcard(keys.started_key("text")) == 0
    started = [event for event in connection.xrange("rider:events") if b"job.started" in event[1][b"event"]]
    assert len(started) == 1


def test_each_job_wakes_one_worker(backend: RQBackend, connection: redis.Redis, idle: Idle) -> None:
    desks = [idle(f"w{number}") for number in range(3)]
    ids = [backend.submit(spec()) for _ in range(4)]
    assert waiting(connection) == 1
    taken = []
    for desk in desks:
        desk.wait_for_work(5)
        taken += [claim.id for claim in desk.take()]
    assert sorted(taken) == sorted(ids[:3])


def test_several_together_are_left_for_workers_to_take_together(
    backend: RQBackend, connection: redis.Redis, idle: Idle
) -> None:
    desk = idle("w1")
    ids = backend.submit_many([spec() for _ in range(3)])
    assert waiting(connection) == 3
    desk.wait_for_work(5)
    assert [claim.id for claim in desk.take({"text.generate": 10})] == ids
    backend.submit(spec())
    assert waiting(connection) == 1, "it works, so it holds out no hand any more"


@pytest.mark.parametrize("what", ["long", "late", "scheduled"])
def test_what_is_not_handed_over(backend: RQBackend, idle: Idle, what: str) -> None:
    desk = idle("w1")
    now = time.time()
    job_id = backend.submit(
        {
            "long": spec(payload={"prompt": "x" * MAX_TOLD_BYTES}),
            "late": spec(deadline_ts=now - 1),
            "scheduled": spec(due_ts=now + 0.3),
        }[what]
    )
    assert backend.get(job_id).attempts == 0
    end = time.monotonic() + 5
    while not (claims := desk.take()) and backend.get(job_id).state is not JobState.EXPIRED:
        assert time.monotonic() < end
        desk.wait_for_work(1)
    assert [claim.id for claim in claims] == ([] if what == "late" else [job_id])


def test_suspended_workers_are_handed_nothing(backend: RQBackend, connection: redis.Redis, idle: Idle) -> None:
    desk = idle("w1")
    connection.set("rq:suspended", 1)
    job_id = backend.submit(spec())
    assert backend.get(job_id).state is JobState.WAITING
    assert desk.take() == []
    connection.delete("rq:suspended")
    assert [claim.id for claim in desk.take()] == [job_id]


def test_suspended_workers_hold_out_their_hands_for_later(backend: RQBackend, connection: redis.Redis) -> None:
    connection.set("rq:suspended", 1)
    desk = backend.desk("w1", ["text"])
    desk.wait_for_work(0.1)  # begins to listen
    assert desk.take() == []
    connection.delete("rq:suspended")
    began = time.monotonic()
    assert desk.take() == []
    assert time.monotonic() - began < 0.5, "it waited for a job that nobody had handed over"
    desk.close()


def test_a_worker_that_died_is_passed_over(backend: RQBackend, idle: Idle) -> None:
    dead, living = idle("w1"), idle("w2")
    assert dead._ear is not None
    dead._ear.close()
    ids = [backend.submit(spec()) for _ in range(2)]
    living.wait_for_work(5)
    assert [claim.id for claim in living.take()] == ids[:1]
    assert [claim.id for claim in living.take()] == ids[1:]


def test_what_comes_while_it_looks_is_not_overlooked(backend: RQBackend, connection: redis.Redis, idle: Idle) -> None:
    """It waited in vain and asks again, and in between a job is handed over."""
    desk = idle("w1")
    handed, other = backend.submit(spec()), backend.submit(spec())
    assert [claim.id for claim in desk.take()] == [handed]
    assert waiting(connection) == 1
    assert [claim.id for claim in desk.take()] == [other]


def test_a_worker_that_ends_gives_back_what_it_was_handed(backend: RQBackend, idle: Idle) -> None:
    leaving, staying = idle("w1"), idle("w2")
    ids = {backend.submit(spec()) for _ in range(2)}
    left = leaving.step_back()
    assert len(left) == 1
    leaving.commit([Ended(left[0], Outcome.UNSTARTED)])
    taken = {claim.id for _ in range(2) for claim in (staying.wait_for_work(1), staying.take())[1]}
    assert taken == ids
    assert leaving.step_back() == []
    assert backend.get(backend.submit(spec())).state is JobState.WAITING, "nobody holds out a hand"


def test_what_is_lost_with_the_connection_is_run_again(
    backend: RQBackend, connection: redis.Redis, idle: Idle, caplog: pytest.LogCaptureFixture
) -> None:
    desk = idle("w1")
    job_id = backend.submit(spec(retry=RetryPolicy(max_attempts=2)))
    assert desk._ear is not None
    desk._ear.close()  # with the job in its buffer
    assert desk.take() == []
    assert "got lost with the connection" in caplog.text
    (member,) = connection.zrange(keys.started_key("text"), 0, -1)
    connection.zadd(keys.started_key("text"), {member: time.time() - 1})
    assert desk.reap() == 1
    (claim,) = desk.take()
    assert (claim.id, claim.attempt) == (job_id, 2)


def test_hands_are_forgotten_with_their_workers(backend: RQBackend, connection: redis.Redis, idle: Idle) -> None:
    desk = idle("w1")
    for key in (keys.HAND.format(worker="w1"), keys.HANDS.format(queue="text")):
        assert 0 < connection.ttl(key) <= keys.HAND_TTL_S
    for key in (keys.HAND.format(worker="w1"), keys.HANDS.format(queue="text")):
        connection.expire(key, 5)
    assert desk.take() == []
    for key in (keys.HAND.format(worker="w1"), keys.HANDS.format(queue="text")):
        assert connection.ttl(key) > 5, "it still looks, so its hand is still out"
    desk.step_back()
    desk.close()
    assert not connection.keys("rider:hand*")


def test_redis_is_killed_while_hands_are_out(valkey: Valkey) -> None:
    backend = RQBackend(connect(valkey.url))
    desk = backend.desk("w1", ["text"])
    desk.wait_for_work(0.1)  # begins to listen
    assert desk.take() == []
    valkey.kill()
    valkey.start()
    job_id = backend.submit(spec())  # it is listened to by nobody
    assert backend.get(job_id).state is JobState.WAITING
    with pytest.raises(redis.RedisError):
        desk.wait_for_work(1)
    desk.wait_for_work(1)
    assert [claim.id for claim in desk.take()] == [job_id]
    desk.close()
    backend.close()


def test_what_nobody_expected_is_left_alone(
    connection: redis.Redis, idle: Idle, caplog: pytest.LogCaptureFixture
) -> None:
    desk = idle("w1")
    line = json.dumps(["stranger", "text", "text.generate", "not-its-name", "", "1.0"])
    for message in (f"{line}\n{{}}", "nonsense", "[1, 2]", "7", ""):
        connection.publish(keys.HAND.format(worker="w1"), message)
        desk.wait_for_work(1)
        assert desk.take() == []
    assert "when nobody expected it" in caplog.text
    assert caplog.text.count("is none") == 4
