"""What a worker takes ahead, while it is at work: leased, and not started before it says so (`lua/begin.lua`)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis

from rider_core.api import JobState, RetryPolicy
from rider_core.jobs.ledger import Claim, Ended, Outcome, keys
from rider_core.jobs.rq_backend import RQBackend
from rider_core.jobs.rq_backend.desk import RQDesk
from rider_core.testing.jobs.stage import spec
from rider_core.testing.waiting import let_pass

ONCE = RetryPolicy(max_attempts=1)
TWICE = RetryPolicy(max_attempts=2, first_delay_s=0)


@pytest.fixture
def backend(connection: redis.Redis) -> Iterator[RQBackend]:
    backend = RQBackend(connection)
    yield backend
    backend.close()


@pytest.fixture
def desk(backend: RQBackend) -> Iterator[RQDesk]:
    desk = backend.desk("w1", ["text"])
    yield desk
    desk.close()


def ahead(desk: RQDesk) -> Claim:
    """The next claim, taken while the worker is at work."""
    told: list[str] = []
    kept, (claim,) = desk.prefetch([], [], {}, lambda: told.append("going"))
    assert (kept, told) == ([], ["going"])
    assert claim.ahead
    return claim


def begun(claim: Claim) -> Claim:
    return claim._replace(ahead=False, started_ts=time.time())


def begin(desk: RQDesk, claim: Claim) -> Claim:
    it = begun(claim)
    assert desk.prefetch([], [it], None, lambda: None) == ([], [])
    return it


def lose_leases(connection: redis.Redis) -> None:
    """As if their worker had died long ago."""
    for member in connection.zrange(keys.started_key("text"), 0, -1):
        connection.zadd(keys.started_key("text"), {member: time.time() - 1})


def told(connection: redis.Redis, kind: str) -> int:
    return sum(fields[b"event"].count(f'"{kind}"'.encode()) for _, fields in connection.xrange("rider:events"))


def test_it_starts_when_the_worker_begins_it(backend: RQBackend, connection: redis.Redis, desk: RQDesk) -> None:
    job_id = backend.submit(spec(retry=ONCE))
    claim = ahead(desk)
    assert (claim.id, claim.attempt) == (job_id, 1)
    assert connection.llen(keys.queue_key("text")) == 0
    record = backend.get(job_id)
    assert (record.state, record.attempts, record.started_ts) == (JobState.RUNNING, 0, None)
    assert told(connection, "job.started") == 0
    let_pass(0.05, "the job before it runs")
    it = begin(desk, claim)
    record = backend.get(job_id)
    assert (record.state, record.attempts) == (JobState.RUNNING, 1)
    assert record.started_ts == pytest.approx(it.started_ts)
    assert told(connection, "job.started") == 1
    assert desk.commit([Ended(it, Outcome.DONE, '{"text":"x"}')]) == [True]
    assert backend.get(job_id).value() == {"text": "x"}
    assert connection.zcard(keys.started_key("text")) == 0


def test_one_message_stores_begins_and_takes(backend: RQBackend, desk: RQDesk) -> None:
    ids = backend.submit_many([spec() for _ in range(3)])
    (first,) = desk.take()
    second = ahead(desk)
    done = Ended(first, Outcome.DONE, '{"text":"x"}')
    kept, (third,) = desk.prefetch([done], [begun(second)], {}, lambda: None)
    assert kept == [True]
    assert [first.id, second.id, third.id] == ids
    assert [backend.get(job_id).attempts for job_id in ids] == [1, 1, 0]
    assert backend.get(ids[0]).state is JobState.DONE


def test_a_worker_that_dies_before_costs_no_attempt(backend: RQBackend, connection: redis.Redis, desk: RQDesk) -> None:
    job_id = backend.submit(spec(retry=ONCE))
    ahead(desk)
    lose_leases(connection)
    assert desk.reap() == 1
    record = backend.get(job_id)
    assert (record.state, record.attempts, record.problem) == (JobState.WAITING, 0, None)
    figures = {task.task: task for task in backend.figures()}["text.generate"]
    assert (figures.started, figures.returned) == (0, 0), (
        "what was never counted as started is no start that was undone"
    )
    (claim,) = desk.take()
    assert claim.attempt == 1


def test_a_worker_that_dies_of_it_costs_one(backend: RQBackend, connection: redis.Redis, desk: RQDesk) -> None:
    job_id = backend.submit(spec(retry=ONCE))
    begin(desk, ahead(desk))
    lose_leases(connection)
    assert desk.reap() == 0
    assert backend.get(job_id).state is JobState.FAILED


@pytest.mark.parametrize("how", ["given back", "died"])
def test_earlier_attempts_stay_counted(backend: RQBackend, connection: redis.Redis, desk: RQDesk, how: str) -> None:
    job_id = backend.submit(spec(retry=TWICE))
    (claim,) = desk.take()
    desk.commit([Ended(claim, Outcome.FAILED, '{"code":"crashed","message":"boom"}')])
    claim = ahead(desk)
    assert claim.attempt == 2
    if how == "died":
        lose_leases(connection)
        assert desk.reap() == 1
    else:
        assert desk.commit([Ended(claim, Outcome.UNSTARTED)]) == [True]
    assert (backend.get(job_id).state, backend.get(job_id).attempts) == (JobState.WAITING, 1)
    (claim,) = desk.take()
    assert claim.attempt == 2
    desk.commit([Ended(claim, Outcome.FAILED, '{"code":"crashed","message":"boom"}')])
    assert backend.get(job_id).state is JobState.FAILED


def test_one_that_was_cancelled_meanwhile_is_not_started(backend: RQBackend, desk: RQDesk) -> None:
    job_id = backend.submit(spec())
    claim = ahead(desk)
    assert backend.cancel(job_id)
    it = begin(desk, claim)
    assert desk.commit([Ended(it, Outcome.DONE, '{"text":"x"}')]) == [False]
    record = backend.get(job_id)
    assert (record.state, record.attempts) == (JobState.CANCELLED, 0)


def test_a_worker_at_work_holds_out_no_hand(backend: RQBackend, desk: RQDesk) -> None:
    desk.wait_for_work(0.1)  # begins to listen
    assert desk.prefetch([], [], {}, lambda: None) == ([], [])
    job_id = backend.submit(spec())
    assert backend.get(job_id).state is JobState.WAITING
    assert [claim.id for claim in desk.take()] == [job_id]


def test_rq_sees_the_job_that_was_begun(backend: RQBackend, connection: redis.Redis, desk: RQDesk) -> None:
    connection.hset("rq:worker:w1", "state", "idle")
    ids = backend.submit_many([spec(), spec()])

    def seen() -> list[str]:
        return [member.decode().partition(":")[0] for member in connection.smembers("rq:worker:w1:executions")]

    desk.take()
    claim = ahead(desk)
    assert seen() == ids[:1]
    begin(desk, claim)
    assert seen() == ids[1:]
    assert connection.hget("rq:worker:w1", "state") == b"busy"
