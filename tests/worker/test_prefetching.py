"""Prefetching during short jobs, with real workers."""

from __future__ import annotations

import signal
import time

import pytest
from worker_harness import WorkerHarness

from rider_core.api import JobSpec, JobState, RetryPolicy
from rider_core.jobs.store import keys
from rider_core.testing.waiting import wait_until

ONCE = RetryPolicy(max_attempts=1)
#: Within the range in which jobs are prefetched; see `worker/batch_sizer.py`.
SHORT = "slow 0.008"


def submit(harness: WorkerHarness, *prompts: str, retry: RetryPolicy | None = ONCE) -> list[str]:
    specs = [JobSpec(task="text.generate", payload={"prompt": prompt}, retry=retry) for prompt in prompts]
    return harness.backend.submit_many(specs)


def shorts(number: int) -> list[str]:
    return [f"s{n} {SHORT}" for n in range(number)]


def states(harness: WorkerHarness, ids: list[str]) -> set[JobState]:
    return {harness.backend.get(job_id).state for job_id in ids}


def test_one_that_kills_the_worker_takes_only_itself_along(harness: WorkerHarness) -> None:
    """The results before it are stored, and the prefetched job is not lost, though each has only one attempt."""
    *before, deadly, after = submit(harness, *shorts(20), "deadly kill", "after")
    process = harness.start("text")
    assert process.wait(15) == -signal.SIGKILL
    wait_until(
        lambda: states(harness, before) == {JobState.DONE}
    )  # Redis may still have to read the dead worker's last commands
    assert harness.backend.get(deadly).attempts == 1
    record = harness.backend.get(after)
    assert (record.state, record.attempts) == (JobState.RUNNING, 0), "it was not prefetched"
    for member in harness.connection.zrange(keys.started_key("text"), 0, -1):
        harness.connection.zadd(keys.started_key("text"), {member: time.time() - 1})
    harness.start("text")
    record = harness.backend.wait(after, 15)
    assert (record.state, record.attempts) == (JobState.DONE, 1)
    assert harness.backend.get(deadly).state is JobState.FAILED


def test_it_does_not_wait_for_a_job_that_is_not_short_after_all(harness: WorkerHarness) -> None:
    *_, long, after = submit(harness, *shorts(20), "long slow 9", "after")
    first = harness.start("text")  # with its long lease: a short one would also requeue the job
    wait_until(lambda: "long" in harness.entries("start"))
    wait_until(lambda: harness.backend.get(after).state is JobState.RUNNING)
    harness.start("text")
    assert harness.backend.wait(after, 10).state is JobState.DONE
    assert harness.backend.get(long).state is JobState.RUNNING
    first.kill()  # it would end its job first


def test_a_worker_that_stops_leaves_nothing_behind(harness: WorkerHarness) -> None:
    ids = submit(harness, *shorts(300))
    process = harness.start("text")
    wait_until(lambda: len(harness.entries("end")) > 20)
    process.terminate()
    assert process.wait(10) == 0
    records = [harness.backend.get(job_id) for job_id in ids]
    done = [record for record in records if record.state is JobState.DONE]
    assert len(done) == len(harness.entries("end")), "the last result was not stored"
    assert {(record.state, record.attempts) for record in records if record not in done} == {(JobState.WAITING, 0)}


@pytest.mark.slow
def test_nothing_is_lost_with_redis(harness: WorkerHarness) -> None:
    ids = submit(harness, *shorts(200), retry=RetryPolicy(max_attempts=3, first_delay_s=0))
    harness.start_fast("text")
    wait_until(lambda: len(harness.entries("end")) > 50)
    harness.valkey.kill()
    wait_until(
        lambda: "no jobs can be taken" in harness.processes.log() or "could not be stored" in harness.processes.log()
    )
    harness.valkey.start()
    wait_until(lambda: states(harness, ids) == {JobState.DONE}, 60)
