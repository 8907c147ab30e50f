"""Jobs that a worker batches, and batch jobs, with real workers on a real Valkey."""

from __future__ import annotations

import json
import math
import time

import pytest
from worker_harness import WorkerHarness

from rider_core.api import BatchSpec, JobSpec, JobState, Progress, RetryPolicy
from rider_core.errors import JobFailed
from rider_core.eventbus import EventBus
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture
def harness(harness: WorkerHarness) -> WorkerHarness:
    """With the engine that takes batches."""
    harness.processes.environment["RIDER_PROVIDERS"] = json.dumps({"text_generation": "together"})
    return harness


def submit_many(harness: WorkerHarness, *prompts: str, **options: object) -> list[str]:
    specs = [JobSpec(task="text.generate", payload={"prompt": prompt}, **options) for prompt in prompts]  # type: ignore[arg-type]
    return harness.backend.submit_many(specs)


def submit_batch(harness: WorkerHarness, *prompts: str, **options: object) -> str:
    payloads = [{"prompt": prompt} for prompt in prompts]
    return harness.backend.submit_batch(BatchSpec(task="text.generate", payloads=payloads, **options))  # type: ignore[arg-type]


def sizes(harness: WorkerHarness) -> list[int]:
    """The sizes of the engine's batches."""
    lines = harness.journal.read_text().splitlines() if harness.journal.exists() else []
    return [int(line.split()[1]) for line in lines if line.startswith("together")]


def test_waiting_jobs_are_batched(harness: WorkerHarness) -> None:
    ids = submit_many(harness, *(f"j{n}" for n in range(9)))
    streamed = harness.submit("streamed", stream=True)
    harness.start()
    records = harness.backend.wait_many([*ids, streamed], 15)
    assert [record.value()["text"] for record in records] == [*(f"well, j{n}" for n in range(9)), "well, streamed"]
    assert {record.provider for record in records} == {"together"}
    assert max(sizes(harness)) == 4
    assert sum(sizes(harness)) <= 9, "a streaming job was batched"
    events = EventBus(harness.connection, "test").follow(streamed, 5)
    assert [event.kind for event in events].count("job.partial") == 2


def test_a_job_waits_a_little_for_others(harness: WorkerHarness) -> None:
    harness.start()
    harness.backend.wait(harness.submit("first"), 15)
    harness.processes.environment["MAX_WAIT_MS"] = "2000"
    harness.processes.end_all()
    harness.journal.unlink()
    harness.start()
    wait_until(lambda: harness.backend.capacity()["text.generate"] == 1)
    lonely = harness.submit("lonely")
    wait_until(lambda: harness.backend.get(lonely).state is JobState.RUNNING)
    others = submit_many(harness, "a", "b", "c")
    harness.backend.wait_many([lonely, *others], 15)
    assert sizes(harness) == [4]


def test_one_with_a_single_attempt_does_not_wait_for_others(harness: WorkerHarness) -> None:
    """A job of the same batch that kills the worker would use up its only attempt."""
    harness.processes.environment["MAX_WAIT_MS"] = "2000"
    harness.start()
    harness.backend.wait(harness.submit("first"), 15)
    harness.journal.unlink()
    once = harness.submit("once", retry=ONCE)
    wait_until(lambda: harness.backend.get(once).state is not JobState.WAITING)
    others = submit_many(harness, "a", "b", "c")
    harness.backend.wait_many([once, *others], 15)
    assert sizes(harness) == [3]


def test_a_result_does_not_wait_for_a_longer_job_behind_it(harness: WorkerHarness) -> None:
    harness.processes.environment["RIDER_PROVIDERS"] = json.dumps({"text_generation": "probe"})
    harness.start()
    harness.backend.wait_many(submit_many(harness, *(f"w{n}" for n in range(20))), 15)
    short, long = submit_many(harness, "short stream 0", "long slow 2")
    harness.backend.wait(short, 15)
    assert harness.backend.get(long).state is JobState.RUNNING
    assert "long" not in harness.entries("end")


def test_the_one_that_spoils_it_fails_alone(harness: WorkerHarness) -> None:
    submit_many(harness, "a", "b", "spoil raise", "c", retry=RetryPolicy(max_attempts=2, first_delay_s=0))
    harness.start()
    wait_until(lambda: len(harness.backend.recent(10)) == 4)
    states = {harness.prompt_of(record.id): record.state for record in harness.backend.recent(10)}
    assert states == {
        "a": JobState.DONE,
        "b": JobState.DONE,
        "c": JobState.DONE,
        "spoil raise": JobState.FAILED,
    }


def test_a_batch_is_done_in_groups(harness: WorkerHarness) -> None:
    job_id = submit_batch(harness, *(f"j{n}" for n in range(10)))
    harness.start()
    record = harness.backend.wait(job_id, 15)
    assert (record.state, record.attempts) == (JobState.DONE, 1)
    assert record.progress == Progress(total=10, done=10, failed=0)
    texts = [item.result["text"] for item in harness.backend.batch_items(job_id) if item.result]
    assert texts == [f"well, j{n}" for n in range(10)]
    assert sizes(harness) == [4, 4, 2]


def test_what_failed_before_counts_as_failed_until_it_is_known_better(harness: WorkerHarness) -> None:
    harness.processes.environment["RIDER_BREAKER_FAILURES"] = "1000"
    prompts = [*(f"spoil{n} late 0.06" for n in range(5)), "a"]
    job_id = submit_batch(harness, *prompts, retry=RetryPolicy(max_attempts=2, first_delay_s=0.05))
    harness.start()
    assert harness.backend.wait(job_id, 15).progress == Progress(total=6, done=1, failed=5)
    progress = [event for event in EventBus(harness.connection, "test").recent(50) if event.kind == "job.progress"]
    assert [(event.data["attempts"], event.data["failed"]) for event in progress] == [(1, 4)]


def test_a_batch_fails_in_part_and_only_that_part_is_run_again(harness: WorkerHarness) -> None:
    job_id = submit_batch(
        harness, "a", "spoil raise", "b", "spoil refuse", retry=RetryPolicy(max_attempts=2, first_delay_s=0.05)
    )
    harness.start()
    record = harness.backend.wait(job_id, 15)
    with pytest.raises(JobFailed, match="2 of 4 items failed; item 1: RuntimeError: the engine broke") as failure:
        record.value()
    assert failure.value.cause == "partial"
    assert record.progress == Progress(total=4, done=2, failed=2)
    items = harness.backend.batch_items(job_id)
    assert [item.problem.code if item.problem else None for item in items] == [None, "crashed", None, "invalid_input"]
    assert [harness.entries("start").count(name) for name in ("a", "b")] == [1, 1]
    # Each of them solo in both attempts, and not before: their batch failed before any was started.
    assert harness.entries("start").count("spoil") == 4
    assert [letter.record.id for letter in harness.backend.dead_letters("text", 10)] == [job_id]


def test_a_batch_shows_how_far_it_is_and_can_be_cancelled(harness: WorkerHarness) -> None:
    harness.processes.environment["RIDER_PROVIDERS"] = json.dumps({"text_generation": "probe"})
    job_id = submit_batch(harness, *(f"j{n} slow 0.2" for n in range(40)))
    harness.start()

    def some_are_done() -> bool:
        progress = harness.backend.get(job_id).progress
        return progress is not None and progress.done >= 2

    wait_until(some_are_done)
    assert harness.backend.cancel(job_id)
    after = harness.submit("after")
    assert harness.backend.wait(after, 5).state is JobState.DONE
    assert len(harness.entries("start")) < 40
    record = harness.backend.get(job_id)
    assert record.state is JobState.CANCELLED
    assert record.progress is not None
    assert 2 <= record.progress.done < 40
    assert "job.progress" in [event.kind for event in EventBus(harness.connection, "test").recent(100)]


def test_short_jobs_are_taken_together_and_each_counts_for_rq(harness: WorkerHarness) -> None:
    harness.processes.environment["RIDER_PROVIDERS"] = json.dumps({"text_generation": "probe"})
    ids = submit_many(harness, *(f"j{n}" for n in range(200)))
    harness.start()
    records = harness.backend.wait_many(ids, 30)
    assert {record.state for record in records} == {JobState.DONE}
    assert len({record.started_ts for record in records}) < 150, "the jobs were not batched"
    wait_until(lambda: harness.rq_worker().get_state() == "idle")
    assert harness.rq_worker().successful_job_count == 200
    assert harness.rq_worker().get_current_job_id() is None


def test_of_several_together_the_most_urgent_counts(harness: WorkerHarness) -> None:
    now = time.time()
    deadlines = [now + 300, now + 100, None, now + 200]
    ids = [harness.submit(f"j{n} patience", deadline_ts=deadline) for n, deadline in enumerate(deadlines)]
    harness.start()
    left_s = [float(record.value()["text"]) for record in harness.backend.wait_many(ids, 15)]
    assert sizes(harness) == [4]
    assert all(50 < left < 100 for left in left_s)


def test_where_a_group_fails_each_has_its_own_time(harness: WorkerHarness) -> None:
    urgent = harness.submit("a patience", deadline_ts=time.time() + 100)
    patient = harness.submit("b patience spoil")
    harness.start()
    left_s = [float(record.value()["text"]) for record in harness.backend.wait_many([urgent, patient], 15)]
    assert sizes(harness) == [2]
    assert left_s[0] < 100
    assert left_s[1] == math.inf
