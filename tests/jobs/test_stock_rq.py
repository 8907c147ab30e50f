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
from rider_core.testing.jobs import JobHarness
from rider_core.testing.jobs.harness import spec
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import let_pass

pytestmark = pytest.mark.slow

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
    harness: JobHarness, valkey: Valkey, processes: Processes, how: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    ids = harness.backend.submit_many([spec(payload={"prompt": f"job {number}"}) for number in range(3)])
    stock_worker(processes, valkey, *how)
    assert harness.connection.zcard("rq:failed:text") == 3, processes.log("stock")
    assert {harness.backend.get(job_id).state for job_id in ids} == {JobState.WAITING}
    with caplog.at_level(logging.WARNING):
        assert harness.consumer.reap() == 3
    assert "taken by a program that is not Rider-PC's" in caplog.text
    leased_jobs = [harness.dequeue() for _ in ids]
    assert {leased.id for leased in leased_jobs} == set(ids)
    assert {leased.attempt for leased in leased_jobs} == {1}
    assert {spec_from_data(leased.data).payload["prompt"] for leased in leased_jobs} == {"job 0", "job 1", "job 2"}
    for leased in leased_jobs:
        assert harness.done(leased, "done")
    assert [record.state for record in map(harness.backend.get, ids)] == [JobState.DONE] * 3
    assert harness.backend.dead_letters("text", 10) == []
    assert not any(harness.connection.exists(f"rq:results:{job_id}") for job_id in ids)
    assert harness.consumer.reap() == 0


def test_beside_a_stock_worker_all_jobs_are_done(harness: JobHarness, valkey: Valkey, processes: Processes) -> None:
    """It takes what it finds; ours brings it back every heartbeat."""
    processes.environment.update(REDIS_URL=valkey.url, RIDER_PLUGINS_DISABLED="")
    processes.start("-m", "rq.cli", "worker", "--url", valkey.url, "text", log="stock")
    processes.fork_worker("text")
    ids = harness.backend.submit_many([spec(provider="echo-text") for _ in range(30)])
    assert {harness.backend.wait(job_id, 60).state for job_id in ids} == {JobState.DONE}
    assert "put away as failed; they wait again" in processes.log()


def test_what_its_housekeeping_took_from_a_dead_worker_is_an_attempt(
    harness: JobHarness, valkey: Valkey, processes: Processes
) -> None:
    first, last = harness.backend.submit_many([spec(), spec(retry={"max_attempts": 1})])
    for leased in (harness.dequeue(), harness.dequeue()):
        harness.connection.zadd(f"rq:wip:{leased.lane}", {f"{leased.id}:{leased.execution}": time.time() - 100})
    stock_worker(processes, valkey, "text")
    assert harness.connection.zcard("rq:failed:text") == 2
    assert harness.consumer.reap() == 1
    assert harness.dequeue().attempt == 2
    record = harness.backend.get(last)
    assert (record.state, record.problem and record.problem.code) == (JobState.FAILED, "lost")
    assert harness.backend.get(first).state is JobState.RUNNING


def test_what_its_scheduler_put_into_the_queue_is_run(harness: JobHarness, connection: redis.Redis) -> None:
    job_id = harness.backend.submit(spec())
    assert harness.fail(harness.dequeue(), delay_s=0.2)
    connection.zadd("rq:scheduled:text", {job_id: time.time() - 1})
    scheduler = RQScheduler(["text"], connection=connection)
    scheduler.acquire_locks()
    scheduler.prepare_registries()
    scheduler.enqueue_scheduled_jobs()
    scheduler.release_locks()
    leased = harness.dequeue()
    assert leased.attempt == 2
    assert spec_from_data(leased.data).id == job_id


def test_a_traceback_takes_little_more_memory_than_its_text(harness: JobHarness, connection: redis.Redis) -> None:
    """RQ keeps it in a stream, for which Redis reserves 4 kB."""
    (job_id,) = harness.make_dead_letters(spec())
    assert connection.memory_usage(f"rq:results:{job_id}") < 1_000
    assert 0 < connection.ttl(f"rq:results:{job_id}") <= DEAD_LETTER_TTL_S


@pytest.mark.parametrize("command", ["restore", "dump"])
def test_a_redis_without_restore_keeps_it_as_it_is(harness: JobHarness, connection: redis.Redis, command: str) -> None:
    connection.execute_command("ACL SETUSER", "default", f"-{command}")
    try:
        (job_id,) = harness.make_dead_letters(spec())
    finally:
        connection.execute_command("ACL SETUSER", "default", f"+{command}")
    assert connection.xlen(f"rq:results:{job_id}") == 1
    assert 0 < connection.ttl(f"rq:results:{job_id}") <= DEAD_LETTER_TTL_S


def test_its_requeue_is_ours(harness: JobHarness, connection: redis.Redis) -> None:
    """As many attempts as at first."""
    (job_id,) = harness.make_dead_letters(spec(retry={"max_attempts": 2}))
    requeue_job(job_id, connection=connection)
    leased = harness.dequeue()
    assert leased.id == job_id
    assert harness.fail(leased)
    again = harness.dequeue()
    assert harness.done(again, "done")
    record = harness.backend.get(job_id)
    assert (record.state, record.problem) == (JobState.DONE, None)


def test_a_deadline_that_passed_does_not_drop_what_was_requeued(harness: JobHarness, connection: redis.Redis) -> None:
    (job_id,) = harness.make_dead_letters(spec(deadline_ts=time.time() + 0.5))
    let_pass(0.6, "the deadline")
    requeue_job(job_id, connection=connection)
    assert harness.done(harness.dequeue(), "done")


def test_the_dashboard_shows_tracebacks_and_requeues(harness: JobHarness, dashboard: FlaskClient) -> None:
    (job_id,) = harness.make_dead_letters(spec())
    (listed,) = dashboard.get("/0/data/jobs/text/failed/8/asc/1.json").get_json()["jobs"]
    assert listed["exc_info"] == "Traceback: at line 1"
    about = dashboard.get(f"/0/data/job/{job_id}.json").get_json()
    assert (about["status"], about["exc_info"]) == ("failed", "Traceback: at line 1")
    assert dashboard.post(f"/job/{job_id}/requeue").get_json() == {"status": "OK"}
    assert harness.done(harness.dequeue(), "done")
    assert dashboard.get(f"/0/data/job/{job_id}.json").get_json()["exc_info"] is None


@pytest.mark.parametrize("outcome", [Outcome.PERMANENT, None], ids=["without a traceback", "its worker died"])
def test_every_dead_letter_says_something_there(
    harness: JobHarness, dashboard: FlaskClient, connection: redis.Redis, outcome: Outcome | None
) -> None:
    job_id = harness.backend.submit(spec(retry={"max_attempts": 1}))
    leased = harness.dequeue()
    if outcome:
        harness.fail(leased, outcome)
    else:
        connection.zadd(f"rq:wip:{leased.lane}", {f"{leased.id}:{leased.execution}": time.time() - 100})
        harness.consumer.reap()
    assert dashboard.get(f"/0/data/job/{job_id}.json").get_json()["exc_info"]
    assert harness.backend.purge(job_id)
    assert connection.keys(f"*{job_id}*") == []


def test_what_was_packed_too_tightly_is_refused(harness: JobHarness, connection: redis.Redis) -> None:
    """A few kilobytes in Redis that would be gigabytes in a worker."""
    job_id = harness.backend.submit(spec())
    connection.hset(f"rq:job:{job_id}", "data", zlib.compress(b"[" + bytes(100 << 20)))
    with pytest.raises(Exception, match="more than 67108864 bytes"):
        spec_from_data(harness.dequeue().data)


def test_jobs_of_others_stay_where_they_failed(harness: JobHarness, valkey: Valkey, processes: Processes) -> None:
    rq.Queue("text", connection=harness.connection).enqueue("operator.truediv", 1, 0)
    stock_worker(processes, valkey, "text")
    assert harness.consumer.reap() == 0
    assert harness.connection.zcard("rq:failed:text") == 1


def test_a_stock_pool_destroys_nothing(harness: JobHarness, valkey: Valkey, processes: Processes) -> None:
    """Several workers of RQ's own, of the kind without a work horse, on all lanes at once."""
    ids = harness.backend.submit_many([spec(priority=priority) for priority in ("high", "normal", "low") for _ in "ab"])
    pool = processes.start(
        *("-m", "rq.cli", "worker-pool", "text-high", "text", "text-low", "--url", valkey.url, "--burst"),
        *("--num-workers", "2", "--worker-class", "rq.worker.SimpleWorker"),
        log="stock",
    )
    assert pool.wait(40) == 0, processes.log("stock")
    harness.consumer.reap()
    leased_jobs = [harness.dequeue() for _ in ids]
    assert {leased.id for leased in leased_jobs} == set(ids)
    assert {leased.attempt for leased in leased_jobs} == {1}


def test_its_command_requeues_all_and_suspends_ours(harness: JobHarness, valkey: Valkey, processes: Processes) -> None:
    def rq_says(*arguments: str) -> None:
        command = processes.start("-m", "rq.cli", *arguments, "--url", valkey.url, log="stock")
        assert command.wait(30) == 0, processes.log("stock")

    buried = harness.make_dead_letters(spec(), spec())
    rq_says("requeue", "--queue", "text", "--all")
    rq_says("suspend")
    assert harness.consumer.dequeue() == []
    waiting = harness.backend.submit(spec())
    assert harness.consumer.dequeue() == []
    rq_says("resume")
    leased_jobs = [harness.dequeue() for _ in range(3)]
    assert {leased.id for leased in leased_jobs} == {*buried, waiting}
    assert all(harness.done(leased, "done") for leased in leased_jobs)
    rq_says("info")
