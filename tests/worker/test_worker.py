"""The worker as a process of its own, on a real Valkey."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.suspension import resume, suspend
from worker_harness import WorkerHarness

from rider_core.api import JobSpec, JobState, Priority, RetryPolicy
from rider_core.errors import JobFailed, WaitTimeout
from rider_core.eventbus import EventBus
from rider_core.testing.waiting import let_pass, wait_until


def test_jobs_run_with_the_engine_opened_once(harness: WorkerHarness) -> None:
    ids = [harness.submit(f"j{n}", stream=True) for n in range(5)]
    harness.start()
    records = [harness.backend.wait(job_id, 15) for job_id in ids]
    assert [record.value()["text"] for record in records] == [f"well, j{n}" for n in range(5)]
    assert {record.provider for record in records} == {"probe"}
    assert harness.entries("open") == ["-"]
    events = list(EventBus(harness.connection, "test").follow(ids[0], 5))
    assert [event.kind for event in events] == [
        "job.accepted",
        "job.started",
        "job.partial",
        "job.partial",
        "job.done",
    ]
    assert [event.data["text"] for event in events if event.kind == "job.partial"] == ["well, ", "j0"]


def test_jobs_of_other_priorities_are_dequeued_at_once(harness: WorkerHarness) -> None:
    """A worker that has emptied a queue waits for a wake-up; otherwise it must dequeue again at once."""
    ids = [harness.submit("one", priority=priority) for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH)]
    harness.start("text")
    started = [harness.backend.wait(job_id, 15).started_ts or 0 for job_id in ids]
    assert max(started) - min(started) < 0.5


def test_its_tasks_are_announced_when_nothing_of_its_start_needs_redis_any_more(harness: WorkerHarness) -> None:
    """Whoever sees the tasks counts on the worker: if Redis goes away then, the worker has to live on."""
    seen = []
    with harness.connection.monitor() as monitor:
        harness.start("text")
        for command in monitor.listen():
            seen.append(command["command"])
            if "rider_tasks" in seen[-1]:
                break
    assert [command for command in seen if command.startswith("SUBSCRIBE") and "cancel" in command]


def test_rq_info_and_capacity_see_the_worker(harness: WorkerHarness) -> None:
    process = harness.start("text")
    wait_until(lambda: harness.backend.capacity()["text.generate"] == 1)
    assert harness.backend.capacity()["voice.transcribe"] == 0
    info = subprocess.run(
        [sys.executable, "-m", "rq.cli", "info", "-u", harness.valkey.url, "--raw"],
        capture_output=True,
        text=True,
        check=True,
        env=harness.processes.environment,
    ).stdout
    assert f"{process.pid}" in info
    assert "text-high, text, text-low" in info
    job_id = harness.submit("one slow 1")
    wait_until(lambda: harness.rq_worker().get_state() == "busy")
    assert harness.rq_worker().get_current_job_id() == job_id
    harness.backend.wait(job_id, 10)
    wait_until(lambda: harness.rq_worker().get_state() == "idle")
    assert harness.rq_worker().get_current_job_id() is None
    assert harness.rq_worker().successful_job_count == 1
    process.terminate()
    assert process.wait(10) == 0
    assert harness.backend.capacity()["text.generate"] == 0


def test_a_cancelled_stream_is_stopped_and_the_next_job_runs(harness: WorkerHarness) -> None:
    job_id = harness.submit("long stream 500", stream=True)
    harness.start()
    wait_until(lambda: harness.entries("start") == ["long"])
    assert harness.backend.cancel(job_id)
    after = harness.submit("after")
    # By the cancellation message: the first heartbeat after its start would be 5 s later.
    assert harness.backend.wait(after, 3).state is JobState.DONE
    assert harness.backend.get(job_id).state is JobState.CANCELLED
    assert harness.entries("end") == ["after"]


def test_suspended_workers_start_nothing(harness: WorkerHarness) -> None:
    harness.start()
    harness.backend.wait(harness.submit("first"), 15)
    suspend(harness.connection)
    held = harness.submit("held")
    with pytest.raises(WaitTimeout):
        harness.backend.wait(held, 1.5)
    resume(harness.connection)
    assert harness.backend.wait(held, 5).state is JobState.DONE


def test_failures_are_reported(harness: WorkerHarness) -> None:
    harness.start()
    refused = harness.submit("a refuse")
    raised = harness.submit("b raise", retry=RetryPolicy(max_attempts=2, first_delay_s=0.8))
    missing = harness.backend.submit(JobSpec(task="voice.synthesize", payload={"text": "hello"}))
    with pytest.raises(JobFailed, match=r"the prompt is 'refuse' \(say something else\)") as failure:
        harness.backend.wait(refused, 15).value()
    assert failure.value.cause == "invalid_input"
    with pytest.raises(JobFailed, match="RuntimeError: the engine broke"):
        harness.backend.wait(raised, 15).value()
    (retried,) = [event for event in EventBus(harness.connection, "test").recent(100) if event.kind == "job.retried"]
    assert retried.job_id == raised
    assert 0.4 <= retried.data["delay_s"] <= 0.8
    with pytest.raises(JobFailed, match="no text_to_speech engine is installed") as failure:
        harness.backend.wait(missing, 15).value()
    assert failure.value.cause == "provider_unavailable"
    assert (harness.entries("start").count("a"), harness.entries("start").count("b")) == (1, 2)
    job = Job.fetch(raised, connection=harness.connection, serializer=JSONSerializer)
    assert "RuntimeError: the engine broke" in job._exc_info


@pytest.mark.parametrize("data", [json.dumps(["os.system", None, ["touch {canary}"], {}]), "pickle"])
def test_a_strangers_job_is_dead_lettered_and_not_run(harness: WorkerHarness, data: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    harness.start()
    serializer = JSONSerializer if data != "pickle" else None
    queue = Queue("text", connection=harness.connection, serializer=serializer)
    job = queue.enqueue("os.system", f"touch {canary}")
    after = harness.submit("after")
    assert harness.backend.wait(after, 15).state is JobState.DONE
    assert harness.connection.zscore("rq:failed:text", job.id) is not None
    assert not canary.exists()


def test_sigterm_lets_the_running_job_end_even_twice(harness: WorkerHarness) -> None:
    process = harness.start()
    slow = harness.submit("slow-one slow 1.5")
    waiting = harness.submit("waiting")
    wait_until(lambda: harness.entries("start"))
    process.terminate()
    let_pass(0.1, "two signals at once would be one")
    process.terminate()
    assert process.wait(15) == 0
    assert harness.backend.get(slow).state is JobState.DONE
    assert harness.backend.get(waiting).state is JobState.WAITING
    assert harness.entries("close") == ["-"]


@pytest.mark.acceptance
def test_a_job_of_a_worker_killed_in_the_middle_is_run_again(harness: WorkerHarness) -> None:
    process = harness.start()
    job_id = harness.submit("victim slow 3")
    wait_until(lambda: harness.entries("start"))
    process.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    harness.start()
    record = harness.backend.wait(job_id, 40)
    assert record.state is JobState.DONE
    assert record.attempts == 2
    assert time.monotonic() - killed - 3 < 30


def test_workers_come_back_when_redis_does(harness: WorkerHarness) -> None:
    process = harness.start()
    wait_until(lambda: harness.backend.capacity()["text.generate"] == 1)
    harness.valkey.kill()
    wait_until(lambda: "Redis cannot be reached" in harness.processes.log())
    harness.valkey.start()
    job_id = harness.submit("back")
    assert harness.backend.wait(job_id, 20).state is JobState.DONE
    assert process.poll() is None


def run_until_done(harness: WorkerHarness, kind: str, done: object) -> int:
    """Workers that die after dequeuing a job, each replaced by the next, until `done()`; returns the deaths."""
    script = str(Path(__file__).with_name("killed_worker.py"))
    died = seed = 0
    process = None

    def over() -> bool:
        nonlocal died, seed, process
        if process is None or process.poll() is not None:
            died += process is not None and process.returncode == -signal.SIGKILL
            if kind == "stock" and process is not None and process.returncode == 0:
                return True
            seed += 1
            probability = "0.1" if died < 8 else "0"
            process = harness.processes.start(
                script, kind, harness.valkey.url, probability, str(seed), "voice", "vision", "text"
            )
        return bool(done())  # type: ignore[operator]

    wait_until(over, 90, "the end of all jobs")
    return died


@pytest.mark.acceptance
def test_200_jobs_on_three_queues_survive_workers_killed_after_dequeue(harness: WorkerHarness) -> None:
    tasks = ["text.generate", "voice.synthesize", "vision.detect"]
    payloads: list[dict[str, object]] = [{"prompt": "{n}"}, {"text": "{n}"}, {"image": "AAAA"}]
    specs = [
        JobSpec(
            id=f"job-{n}", task=tasks[n % 3], payload=json.loads(json.dumps(payloads[n % 3]).replace("{n}", f"job-{n}"))
        )
        for n in range(200)
    ]
    ids = harness.backend.submit_many(specs)
    ended = lambda: all(harness.backend.get(job_id).state.ended for job_id in ids)  # noqa: E731
    died = run_until_done(harness, "ours", ended)
    records = [harness.backend.get(job_id) for job_id in ids]
    assert died == 8
    assert all(record.state.ended for record in records)
    for record in records:
        if record.task == "text.generate":
            assert record.state is JobState.DONE
            assert harness.entries("end").count(record.id) == 1
        else:  # no such engine is installed, so it ran and failed
            assert record.problem is not None
            assert record.problem.code == "provider_unavailable"
    assert sum(record.attempts for record in records) == 200 + died
    assert [figures.waiting + figures.running for figures in harness.backend.stats()] == [0, 0, 0]


@pytest.mark.acceptance
def test_the_same_kills_lose_jobs_of_stock_rq(harness: WorkerHarness) -> None:
    """Shows that the test above can fail."""
    queues = [Queue(name, connection=harness.connection) for name in ("voice", "vision", "text")]
    jobs = [queues[n % 3].enqueue(os.getpid) for n in range(200)]
    died = run_until_done(harness, "stock", lambda: False)
    waiting = {job_id for queue in queues for job_id in queue.get_job_ids()}
    lost = [job.id for job in jobs if job.get_status() == "queued" and job.id not in waiting]
    assert died == 8
    assert len(lost) == 8


def test_an_engine_gets_the_time_left_until_the_deadline(harness: WorkerHarness) -> None:
    harness.start()
    hurried = harness.submit("a patience", deadline_ts=time.time() + 30)
    assert 0 < float(harness.backend.wait(hurried, 15).value()["text"]) < 30
    assert harness.backend.wait(harness.submit("b patience"), 15).value()["text"] == "inf"
