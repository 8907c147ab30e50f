"""RQ's own programs on our queues: `rq worker`, its scheduler and housekeeping, rq-dashboard. They destroy nothing."""

from __future__ import annotations

import logging
import time
import zlib

import pytest
import redis
import rq
from flask import Flask
from flask.testing import FlaskClient
from rq.job import requeue_job
from rq.scheduler import RQScheduler
from rq_dashboard import blueprint, default_settings
from rq_dashboard.web import setup_rq_connection

from rider_core.api import JobState
from rider_core.jobs import Outcome, spec_from_data
from rider_core.jobs.store.keys import DEAD_LETTER_TTL_S
from rider_core.testing.jobs import Stage
from rider_core.testing.jobs.stage import spec
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import let_pass

JSON = ["--serializer", "rq.serializers.JSONSerializer"]


@pytest.fixture
def dashboard(valkey: Valkey) -> FlaskClient:
    app = Flask("dashboard")
    app.config.from_object(default_settings)
    app.config["RQ_DASHBOARD_REDIS_URL"] = [valkey.url]
    setup_rq_connection(app)
    app.register_blueprint(blueprint)
    return app.test_client()


def stock_worker(processes: Processes, valkey: Valkey, *arguments: str) -> None:
    worker = processes.start("-m", "rq.cli", "worker", "--url", valkey.url, "--burst", *arguments, log="stock")
    assert worker.wait(30) == 0, processes.log("stock")


@pytest.mark.parametrize("how", [["text"], ["text", "voice"], ["text", *JSON], ["text", "--with-scheduler"]], ids=str)
def test_what_a_stock_worker_took_is_done_by_ours(
    stage: Stage, valkey: Valkey, processes: Processes, how: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    ids = stage.backend.submit_many([spec(payload={"prompt": f"job {number}"}) for number in range(3)])
    stock_worker(processes, valkey, *how)
    assert stage.connection.zcard("rq:failed:text") == 3, processes.log("stock")
    assert {stage.backend.get(job_id).state for job_id in ids} == {JobState.WAITING}
    with caplog.at_level(logging.WARNING):
        assert stage.consumer.reap() == 3
    assert "taken by a program that is not Rider-PC's" in caplog.text
    leased_jobs = [stage.dequeue() for _ in ids]
    assert {leased.id for leased in leased_jobs} == set(ids)
    assert {leased.attempt for leased in leased_jobs} == {1}
    assert {spec_from_data(leased.data).payload["prompt"] for leased in leased_jobs} == {"job 0", "job 1", "job 2"}
    for leased in leased_jobs:
        assert stage.done(leased, "done")
    assert [record.state for record in map(stage.backend.get, ids)] == [JobState.DONE] * 3
    assert stage.backend.dead_letters("text", 10) == []
    assert not any(stage.connection.exists(f"rq:results:{job_id}") for job_id in ids)
    assert stage.consumer.reap() == 0


def test_beside_a_stock_worker_all_jobs_are_done(stage: Stage, valkey: Valkey, processes: Processes) -> None:
    """It takes what it finds; ours brings it back every heartbeat."""
    processes.environment.update(REDIS_URL=valkey.url, RIDER_PLUGINS_DISABLED="")
    processes.start("-m", "rq.cli", "worker", "--url", valkey.url, "text", log="stock")
    processes.fork_worker("text")
    ids = stage.backend.submit_many([spec(provider="echo-text") for _ in range(30)])
    assert {stage.backend.wait(job_id, 60).state for job_id in ids} == {JobState.DONE}
    assert "put away as failed; they wait again" in processes.log()


def test_what_its_housekeeping_took_from_a_dead_worker_is_an_attempt(
    stage: Stage, valkey: Valkey, processes: Processes
) -> None:
    first, last = stage.backend.submit_many([spec(), spec(retry={"max_attempts": 1})])
    for leased in (stage.dequeue(), stage.dequeue()):
        stage.connection.zadd(f"rq:wip:{leased.lane}", {f"{leased.id}:{leased.execution}": time.time() - 100})
    stock_worker(processes, valkey, "text")
    assert stage.connection.zcard("rq:failed:text") == 2
    assert stage.consumer.reap() == 1
    assert stage.dequeue().attempt == 2
    record = stage.backend.get(last)
    assert (record.state, record.problem and record.problem.code) == (JobState.FAILED, "lost")
    assert stage.backend.get(first).state is JobState.RUNNING


def test_what_its_scheduler_put_into_the_queue_is_run(stage: Stage, connection: redis.Redis) -> None:
    job_id = stage.backend.submit(spec())
    assert stage.fail(stage.dequeue(), delay_s=0.2)
    connection.zadd("rq:scheduled:text", {job_id: time.time() - 1})
    scheduler = RQScheduler(["text"], connection=connection)
    scheduler.acquire_locks()
    scheduler.prepare_registries()
    scheduler.enqueue_scheduled_jobs()
    scheduler.release_locks()
    leased = stage.dequeue()
    assert leased.attempt == 2
    assert spec_from_data(leased.data).id == job_id


def test_a_traceback_takes_little_more_memory_than_its_text(stage: Stage, connection: redis.Redis) -> None:
    """RQ keeps it in a stream, for which Redis takes 4 kB whatever lies in it."""
    (job_id,) = stage.bury(spec())
    assert connection.memory_usage(f"rq:results:{job_id}") < 1_000
    assert 0 < connection.ttl(f"rq:results:{job_id}") <= DEAD_LETTER_TTL_S


@pytest.mark.parametrize("command", ["restore", "dump"])
def test_a_redis_without_restore_keeps_it_as_it_is(stage: Stage, connection: redis.Redis, command: str) -> None:
    connection.execute_command("ACL SETUSER", "default", f"-{command}")
    try:
        (job_id,) = stage.bury(spec())
    finally:
        connection.execute_command("ACL SETUSER", "default", f"+{command}")
    assert connection.xlen(f"rq:results:{job_id}") == 1
    assert 0 < connection.ttl(f"rq:results:{job_id}") <= DEAD_LETTER_TTL_S


def test_its_requeue_is_ours(stage: Stage, connection: redis.Redis) -> None:
    """As many attempts as at first."""
    (job_id,) = stage.bury(spec(retry={"max_attempts": 2}))
    requeue_job(job_id, connection=connection)
    leased = stage.dequeue()
    assert leased.id == job_id
    assert stage.fail(leased)
    again = stage.dequeue()
    assert stage.done(again, "done")
    record = stage.backend.get(job_id)
    assert (record.state, record.problem) == (JobState.DONE, None)


def test_a_deadline_that_passed_does_not_drop_what_was_requeued(stage: Stage, connection: redis.Redis) -> None:
    (job_id,) = stage.bury(spec(deadline_ts=time.time() + 0.5))
    let_pass(0.6, "the deadline")
    requeue_job(job_id, connection=connection)
    assert stage.done(stage.dequeue(), "done")


def test_the_dashboard_shows_tracebacks_and_requeues(stage: Stage, dashboard: FlaskClient) -> None:
    (job_id,) = stage.bury(spec())
    (listed,) = dashboard.get("/0/data/jobs/text/failed/8/asc/1.json").get_json()["jobs"]
    assert listed["exc_info"] == "Traceback: at line 1"
    about = dashboard.get(f"/0/data/job/{job_id}.json").get_json()
    assert (about["status"], about["exc_info"]) == ("failed", "Traceback: at line 1")
    assert dashboard.post(f"/job/{job_id}/requeue").get_json() == {"status": "OK"}
    assert stage.done(stage.dequeue(), "done")
    assert dashboard.get(f"/0/data/job/{job_id}.json").get_json()["exc_info"] is None


@pytest.mark.parametrize("outcome", [Outcome.PERMANENT, None], ids=["without a traceback", "its worker died"])
def test_every_dead_letter_says_something_there(
    stage: Stage, dashboard: FlaskClient, connection: redis.Redis, outcome: Outcome | None
) -> None:
    job_id = stage.backend.submit(spec(retry={"max_attempts": 1}))
    leased = stage.dequeue()
    if outcome:
        stage.fail(leased, outcome)
    else:
        connection.zadd(f"rq:wip:{leased.lane}", {f"{leased.id}:{leased.execution}": time.time() - 100})
        stage.consumer.reap()
    assert dashboard.get(f"/0/data/job/{job_id}.json").get_json()["exc_info"]
    assert stage.backend.purge(job_id)
    assert connection.keys(f"*{job_id}*") == []


def test_what_was_packed_too_tightly_is_refused(stage: Stage, connection: redis.Redis) -> None:
    """A few kilobytes in Redis that would be gigabytes in a worker."""
    job_id = stage.backend.submit(spec())
    connection.hset(f"rq:job:{job_id}", "data", zlib.compress(b"[" + bytes(100 << 20)))
    with pytest.raises(Exception, match="more than 67108864 bytes"):
        spec_from_data(stage.dequeue().data)


def test_jobs_of_others_stay_where_they_failed(stage: Stage, valkey: Valkey, processes: Processes) -> None:
    rq.Queue("text", connection=stage.connection).enqueue("operator.truediv", 1, 0)
    stock_worker(processes, valkey, "text")
    assert stage.consumer.reap() == 0
    assert stage.connection.zcard("rq:failed:text") == 1


def test_a_stock_pool_destroys_nothing(stage: Stage, valkey: Valkey, processes: Processes) -> None:
    """Several workers of RQ's own, of the kind without a work horse, on all lanes at once."""
    ids = stage.backend.submit_many([spec(priority=priority) for priority in ("high", "normal", "low") for _ in "ab"])
    pool = processes.start(
        *("-m", "rq.cli", "worker-pool", "text-high", "text", "text-low", "--url", valkey.url, "--burst"),
        *("--num-workers", "2", "--worker-class", "rq.worker.SimpleWorker"),
        log="stock",
    )
    assert pool.wait(40) == 0, processes.log("stock")
    stage.consumer.reap()
    leased_jobs = [stage.dequeue() for _ in ids]
    assert {leased.id for leased in leased_jobs} == set(ids)
    assert {leased.attempt for leased in leased_jobs} == {1}


def test_its_command_requeues_all_and_suspends_ours(stage: Stage, valkey: Valkey, processes: Processes) -> None:
    def rq_says(*arguments: str) -> None:
        command = processes.start("-m", "rq.cli", *arguments, "--url", valkey.url, log="stock")
        assert command.wait(30) == 0, processes.log("stock")

    buried = stage.bury(spec(), spec())
    rq_says("requeue", "--queue", "text", "--all")
    rq_says("suspend")
    assert stage.consumer.dequeue() == []
    waiting = stage.backend.submit(spec())
    assert stage.consumer.dequeue() == []
    rq_says("resume")
    leased_jobs = [stage.dequeue() for _ in range(3)]
    assert {leased.id for leased in leased_jobs} == {*buried, waiting}
    assert all(stage.done(leased, "done") for leased in leased_jobs)
    rq_says("info")
