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


def test_jobs_run_with_the_engine_opened_once(bench: WorkerHarness) -> None:
    ids = [bench.submit(f"j{n}", stream=True) for n in range(5)]
    bench.start()
    records = [bench.backend.wait(job_id, 15) for job_id in ids]
    assert [record.value()["text"] for record in records] == [f"well, j{n}" for n in range(5)]
    assert {record.provider for record in records} == {"probe"}
    assert bench.entries("open") == ["-"]
    events = list(EventBus(bench.connection, "test").follow(ids[0], 5))
    assert [event.kind for event in events] == [
        "job.accepted",
        "job.started",
        "job.partial",
        "job.partial",
        "job.done",
    ]
    assert [event.data["text"] for event in events if event.kind == "job.partial"] == ["well, ", "j0"]


def test_what_waits_in_other_lanes_is_taken_at_once(bench: WorkerHarness) -> None:
    """A worker that has taken all there was need not look again before it is called; one that has not must."""
    ids = [bench.submit("one", priority=priority) for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH)]
    bench.start("text")
    started = [bench.backend.wait(job_id, 15).started_ts or 0 for job_id in ids]
    assert max(started) - min(started) < 0.5


def test_rq_info_and_capacity_see_the_worker(bench: WorkerHarness) -> None:
    process = bench.start("text")
    wait_until(lambda: bench.backend.capacity()["text.generate"] == 1)
    assert bench.backend.capacity()["voice.transcribe"] == 0
    info = subprocess.run(
        [sys.executable, "-m", "rq.cli", "info", "-u", bench.valkey.url, "--raw"],
        capture_output=True,
        text=True,
        check=True,
        env=bench.processes.environment,
    ).stdout
    assert f"{process.pid}" in info
    assert "text-high, text, text-low" in info
    job_id = bench.submit("one slow 1")
    wait_until(lambda: bench.rq_worker().get_state() == "busy")
    assert bench.rq_worker().get_current_job_id() == job_id
    bench.backend.wait(job_id, 10)
    wait_until(lambda: bench.rq_worker().get_state() == "idle")
    assert bench.rq_worker().get_current_job_id() is None
    assert bench.rq_worker().successful_job_count == 1
    process.terminate()
    assert process.wait(10) == 0
    assert bench.backend.capacity()["text.generate"] == 0


def test_a_cancelled_stream_is_stopped_and_the_next_job_runs(bench: WorkerHarness) -> None:
    job_id = bench.submit("long stream 500", stream=True)
    bench.start()
    wait_until(lambda: bench.entries("start") == ["long"])
    assert bench.backend.cancel(job_id)
    after = bench.submit("after")
    # Told, not found out: the first heartbeat after its start would be 5 s later.
    assert bench.backend.wait(after, 3).state is JobState.DONE
    assert bench.backend.get(job_id).state is JobState.CANCELLED
    assert bench.entries("end") == ["after"]


def test_suspended_workers_start_nothing(bench: WorkerHarness) -> None:
    bench.start()
    bench.backend.wait(bench.submit("first"), 15)
    suspend(bench.connection)
    held = bench.submit("held")
    with pytest.raises(WaitTimeout):
        bench.backend.wait(held, 1.5)
    resume(bench.connection)
    assert bench.backend.wait(held, 5).state is JobState.DONE


def test_what_goes_wrong_is_told(bench: WorkerHarness) -> None:
    bench.start()
    refused = bench.submit("a refuse")
    raised = bench.submit("b raise", retry=RetryPolicy(max_attempts=2, first_delay_s=0.8))
    missing = bench.backend.submit(JobSpec(task="voice.synthesize", payload={"text": "hello"}))
    with pytest.raises(JobFailed, match=r"the prompt is 'refuse' \(say something else\)") as failure:
        bench.backend.wait(refused, 15).value()
    assert failure.value.cause == "invalid_input"
    with pytest.raises(JobFailed, match="RuntimeError: the engine broke"):
        bench.backend.wait(raised, 15).value()
    (retried,) = [event for event in EventBus(bench.connection, "test").recent(100) if event.kind == "job.retried"]
    assert retried.job_id == raised
    assert 0.4 <= retried.data["delay_s"] <= 0.8
    with pytest.raises(JobFailed, match="no text_to_speech engine is installed") as failure:
        bench.backend.wait(missing, 15).value()
    assert failure.value.cause == "provider_unavailable"
    assert (bench.entries("start").count("a"), bench.entries("start").count("b")) == (1, 2)
    job = Job.fetch(raised, connection=bench.connection, serializer=JSONSerializer)
    assert "RuntimeError: the engine broke" in job._exc_info


@pytest.mark.parametrize("data", [json.dumps(["os.system", None, ["touch {canary}"], {}]), "pickle"])
def test_a_strangers_job_is_dead_lettered_and_not_run(bench: WorkerHarness, data: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    bench.start()
    serializer = JSONSerializer if data != "pickle" else None
    queue = Queue("text", connection=bench.connection, serializer=serializer)
    job = queue.enqueue("os.system", f"touch {canary}")
    after = bench.submit("after")
    assert bench.backend.wait(after, 15).state is JobState.DONE
    assert bench.connection.zscore("rq:failed:text", job.id) is not None
    assert not canary.exists()


def test_sigterm_lets_the_running_job_end_even_twice(bench: WorkerHarness) -> None:
    process = bench.start()
    slow = bench.submit("slow-one slow 1.5")
    waiting = bench.submit("waiting")
    wait_until(lambda: bench.entries("start"))
    process.terminate()
    let_pass(0.1, "two signals at once would be one")
    process.terminate()
    assert process.wait(15) == 0
    assert bench.backend.get(slow).state is JobState.DONE
    assert bench.backend.get(waiting).state is JobState.WAITING
    assert bench.entries("close") == ["-"]


@pytest.mark.acceptance
def test_a_job_of_a_worker_killed_in_the_middle_is_run_again(bench: WorkerHarness) -> None:
    process = bench.start()
    job_id = bench.submit("victim slow 3")
    wait_until(lambda: bench.entries("start"))
    process.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    bench.start()
    record = bench.backend.wait(job_id, 40)
    assert record.state is JobState.DONE
    assert record.attempts == 2
    assert time.monotonic() - killed - 3 < 30


def test_workers_come_back_when_redis_does(bench: WorkerHarness) -> None:
    process = bench.start()
    wait_until(lambda: bench.backend.capacity()["text.generate"] == 1)
    bench.valkey.kill()
    wait_until(lambda: "Redis cannot be reached" in bench.processes.log())
    bench.valkey.start()
    job_id = bench.submit("back")
    assert bench.backend.wait(job_id, 20).state is JobState.DONE
    assert process.poll() is None


def run_until_done(bench: WorkerHarness, kind: str, done: object) -> int:
    """Workers that die after taking a job, each replaced by the next, until `done()`; how many died."""
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
            process = bench.processes.start(
                script, kind, bench.valkey.url, probability, str(seed), "voice", "vision", "text"
            )
        return bool(done())  # type: ignore[operator]

    wait_until(over, 90, "the end of all jobs")
    return died


@pytest.mark.acceptance
def test_200_jobs_on_three_queues_survive_workers_killed_after_dequeue(bench: WorkerHarness) -> None:
    tasks = ["text.generate", "voice.synthesize", "vision.detect"]
    payloads: list[dict[str, object]] = [{"prompt": "{n}"}, {"text": "{n}"}, {"image": "AAAA"}]
    specs = [
        JobSpec(
            id=f"job-{n}", task=tasks[n % 3], payload=json.loads(json.dumps(payloads[n % 3]).replace("{n}", f"job-{n}"))
        )
        for n in range(200)
    ]
    ids = bench.backend.submit_many(specs)
    ended = lambda: all(bench.backend.get(job_id).state.ended for job_id in ids)  # noqa: E731
    died = run_until_done(bench, "ours", ended)
    records = [bench.backend.get(job_id) for job_id in ids]
    assert died == 8
    assert all(record.state.ended for record in records)
    for record in records:
        if record.task == "text.generate":
            assert record.state is JobState.DONE
            assert bench.entries("end").count(record.id) == 1
        else:  # no such engine is installed: it ran, and was told so
            assert record.problem is not None
            assert record.problem.code == "provider_unavailable"
    assert sum(record.attempts for record in records) == 200 + died
    assert [figures.waiting + figures.running for figures in bench.backend.stats()] == [0, 0, 0]


@pytest.mark.acceptance
def test_the_same_kills_lose_jobs_of_stock_rq(bench: WorkerHarness) -> None:
    """The comparison that shows that the test above can fail."""
    queues = [Queue(name, connection=bench.connection) for name in ("voice", "vision", "text")]
    jobs = [queues[n % 3].enqueue(os.getpid) for n in range(200)]
    died = run_until_done(bench, "stock", lambda: False)
    waiting = {job_id for queue in queues for job_id in queue.get_job_ids()}
    lost = [job.id for job in jobs if job.get_status() == "queued" and job.id not in waiting]
    assert died == 8
    assert len(lost) == 8


def test_an_engine_is_told_how_long_those_wait_who_asked(bench: WorkerHarness) -> None:
    bench.start()
    hurried = bench.submit("a patience", deadline_ts=time.time() + 30)
    assert 0 < float(bench.backend.wait(hurried, 15).value()["text"]) < 30
    assert bench.backend.wait(bench.submit("b patience"), 15).value()["text"] == "inf"
