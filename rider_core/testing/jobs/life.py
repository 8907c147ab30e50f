"""The contract of a job backend: the life of a job."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from rider_core.api.jobs import JobState, Priority
from rider_core.api.tasks import TASKS
from rider_core.errors import JobCancelled, JobExpired, WaitTimeout
from rider_core.eventbus import EventBus
from rider_core.jobs import AttemptResult, Outcome
from rider_core.jobs.store import keys
from rider_core.jobs.store.keys import MAX_NOTIFIED_BYTES
from rider_core.jobs.store.rq_format import rq_time
from rider_core.testing.jobs.harness import JobHarness, spec
from rider_core.timing import Stopwatch


class JobLifeContract:
    """Jobs are submitted, run, cancelled, waited for, followed and counted."""

    def test_a_job_goes_its_way(self, harness: JobHarness) -> None:
        backend = harness.backend
        job_id = backend.submit(spec(origin="test"))
        assert backend.get(job_id).state is JobState.WAITING
        leased = harness.dequeue()
        assert harness.prompt_of(leased) == "hello"
        running = backend.get(job_id)
        assert (running.state, running.attempts) == (JobState.RUNNING, 1)
        assert harness.done(leased, "hello")
        done = backend.wait(job_id, 1)
        assert done.value() == {"text": "hello"}
        assert (done.state, done.provider, done.mock, done.origin) == (JobState.DONE, "echo-text", True, "test")
        assert done.submitted_ts <= (done.started_ts or 0) <= (done.ended_ts or 0)
        assert [record.id for record in backend.recent(10)] == [job_id]
        assert harness.kinds() == ["job.accepted", "job.started", "job.done"]

    @pytest.mark.parametrize("length", [10, 2 * MAX_NOTIFIED_BYTES])
    def test_run_submits_and_waits(self, harness: JobHarness, length: int) -> None:
        """A short result is in the message of the job's end, a long one is read."""
        job = spec()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(harness.backend.run, job, 20)
            leased = harness.dequeue()
            harness.consumer.commit(
                [AttemptResult(leased, Outcome.DONE, json.dumps({"text": "x" * length}), "echo-text", True)]
            )
            record = running.result(20)
        assert (record.id, record.state, record.value()) == (job.id, JobState.DONE, {"text": "x" * length})

    def test_what_came_before_the_first_wait_is_not_slept_through(self, harness: JobHarness) -> None:
        consumer = harness.consumer_of("fresh")
        assert consumer.dequeue() == []
        job_id = harness.backend.submit(spec())
        watch = Stopwatch.start()
        consumer.wait_for_work(15)
        assert watch.elapsed_s < 10
        assert harness.dequeue("fresh").id == job_id

    @pytest.mark.parametrize("long", [True, False])
    def test_long_data_is_deleted_at_the_end(self, harness: JobHarness, long: bool) -> None:
        """A camera's pictures would fill the memory. A dead letter keeps its data: it may be requeued."""
        payload = {"prompt": "x" * (keys.LONG_DATA_BYTES if long else 10)}
        done, failed, cancelled = (harness.backend.submit(spec(payload=payload)) for _ in range(3))
        assert harness.backend.cancel(cancelled)
        leased_jobs = {leased.id: leased for leased in harness.dequeue_all()}
        assert harness.done(leased_jobs[done], "hello")
        assert harness.fail(leased_jobs[failed], Outcome.PERMANENT)
        kept = {
            job_id: bool(harness.connection.hget(keys.job_key(job_id), "data")) for job_id in (done, failed, cancelled)
        }
        assert kept == {done: not long, failed: True, cancelled: not long}
        assert harness.backend.wait(done, 1).value() == {"text": "hello"}
        assert harness.backend.dead_letter(failed).payload == payload

    def test_run_gives_up_after_its_time(self, harness: JobHarness) -> None:
        job = spec()
        with pytest.raises(WaitTimeout, match=f"{job.id} is still waiting"):
            harness.backend.run(job, 0.05)
        assert harness.dequeue().id == job.id

    def test_an_expired_job_never_runs(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec(deadline_ts=time.time() - 0.01))
        harness.assert_no_job()
        with pytest.raises(JobExpired):
            harness.backend.wait(job_id, 1).value()
        assert harness.kinds() == ["job.accepted", "job.expired"]

    def test_cancel_ends_waiting_jobs(self, harness: JobHarness) -> None:
        first, second = harness.backend.submit_many([spec(), spec()])
        assert harness.backend.cancel(first)
        assert [leased.id for leased in harness.dequeue_all()] == [second]
        with pytest.raises(JobCancelled):
            harness.backend.get(first).value()
        assert not harness.backend.cancel(first)
        assert not harness.backend.cancel("nobody")

    def test_cancel_ends_a_running_job_and_discards_its_result(self, harness: JobHarness) -> None:
        harness.consumer.subscribe_cancellations()
        job_id = harness.backend.submit(spec())
        leased = harness.dequeue()
        assert harness.backend.cancel(job_id)
        assert harness.consumer.next_cancelled(5) == job_id
        assert harness.consumer.heartbeat([leased]) == [leased]
        assert not harness.done(leased, "late")
        assert harness.backend.wait(job_id, 1).state is JobState.CANCELLED
        assert not harness.connection.exists(keys.started_key("text"))
        assert harness.kinds() == ["job.accepted", "job.started", "job.cancelled"]
        assert not harness.connection.exists("rq:worker:w1"), "a worker that does not exist was registered"
        done = harness.backend.submit(spec())
        harness.done(harness.dequeue(), "x")
        assert not harness.backend.cancel(done)
        assert harness.backend.get(done).state is JobState.DONE

    def test_the_wait_for_cancellations_can_be_ended(self, harness: JobHarness) -> None:
        harness.consumer.subscribe_cancellations()
        timer = threading.Timer(0.1, harness.consumer.wake)
        timer.start()
        before = time.monotonic()
        assert harness.consumer.next_cancelled(8) is None
        assert time.monotonic() - before < 4
        timer.join()

    def test_wait_is_woken_and_gives_up(self, harness: JobHarness, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(harness.backend, "timings", replace(harness.backend.timings, wait_recheck_s=60.0))
        job_id = harness.backend.submit(spec())
        with pytest.raises(WaitTimeout, match="is still waiting"):
            harness.backend.wait(job_id, 0.05)
        leased = harness.dequeue()
        timer = threading.Timer(0.05, harness.done, [leased, "x"])
        timer.start()
        before = time.monotonic()
        assert harness.backend.wait(job_id, 8).state is JobState.DONE
        assert time.monotonic() - before < 4
        timer.join()

    def test_an_end_whose_message_was_lost_is_found(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec())
        ended = {"status": "finished", "ended_at": rq_time(time.time()), "result": "{}"}
        timer = threading.Timer(0.1, harness.connection.hset, [keys.job_key(job_id)], {"mapping": ended})
        timer.start()
        before = time.monotonic()
        assert harness.backend.wait(job_id, 8).state is JobState.DONE
        assert time.monotonic() - before < 4
        timer.join()

    def test_a_waiting_worker_is_woken(self, harness: JobHarness) -> None:
        harness.assert_no_job()
        timer = threading.Timer(0.1, harness.backend.submit, [spec()])
        timer.start()
        before = time.monotonic()
        harness.consumer.wait_for_work(8)
        assert time.monotonic() - before < 4
        timer.join()
        assert harness.consumer.dequeue()

    def test_a_followed_job_tells_its_whole_story(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec(stream=True))
        harness.done(harness.dequeue(), "x")
        events = EventBus(harness.connection, "test").follow(job_id, 5)
        assert [event.kind for event in events] == ["job.accepted", "job.started", "job.done"]

    def test_a_trace_is_in_the_record_and_in_every_event(self, harness: JobHarness) -> None:
        bus = EventBus(harness.connection, "test")
        job_id = harness.backend.submit(spec(trace_id="0123456789abcdef" * 2))
        assert harness.backend.get(job_id).trace_id == "0123456789abcdef" * 2
        harness.done(harness.dequeue(), "yes")
        assert harness.backend.get(job_id).trace_id == "0123456789abcdef" * 2
        events = [event for event in bus.recent(100) if event.job_id == job_id]
        assert [event.kind for event in events] == ["job.accepted", "job.started", "job.done"]
        assert {event.data["trace_id"] for event in events} == {"0123456789abcdef" * 2}
        other = harness.backend.submit(spec())
        assert harness.backend.get(other).trace_id == other, "a job without one has its own id"

    def test_events_tell_which_provider_is_wanted(self, harness: JobHarness) -> None:
        harness.backend.submit(spec(provider="a|b"))
        harness.dequeue()
        events = EventBus(harness.connection, "test").recent(10)
        assert [(event.kind, event.data["wanted"]) for event in events] == [
            ("job.accepted", "a b"),
            ("job.started", "a b"),
        ]

    def test_figures_agree_with_what_happened(self, harness: JobHarness) -> None:
        backend = harness.backend
        backend.submit_many([spec(id=f"job-{n}") for n in range(4)])
        backend.cancel("job-3")
        first, second, third = harness.dequeue_all()
        harness.done(first, "x")
        harness.fail(second)
        (again,) = harness.dequeue_all()
        harness.fail(again, Outcome.PERMANENT)
        backend.cancel(third.id)
        harness.done(third, "late")
        backend.submit_many([spec(newest_key="k"), spec(newest_key="k", deadline_ts=time.time() - 1)])
        harness.assert_no_job()
        (figures,) = [each for each in backend.figures() if each.task == "text.generate"]
        counters = figures.model_dump(exclude={"waited", "ran", "took", "task"})
        assert counters == {
            "queue": TASKS["text.generate"].queue,
            "accepted": 6,
            "started": 4,
            "done": 1,
            "failed": 1,
            "expired": 1,
            "replaced": 1,
            "cancelled": 2,
            "retried": 1,
            "requeued": 0,
            "discarded": 1,
            "returned": 0,
            "withdrawn": 0,
        }
        assert (sum(figures.waited.counts), sum(figures.ran.counts), sum(figures.took.counts)) == (3, 3, 1)
        assert 0 < figures.took.sum_s < 20
        assert figures.took.quantile_s(0.5) in figures.took.bounds_s

    def test_stats_know_the_age_of_the_oldest(self, harness: JobHarness) -> None:
        assert [figures.oldest_s for figures in harness.backend.stats()] == [None, None, None]
        harness.backend.submit(spec())
        before = time.monotonic()
        harness.backend.submit(spec(priority=Priority.HIGH))
        age_s = harness.backend.stats()[2].oldest_s
        assert age_s is not None
        assert time.monotonic() - before <= age_s + 0.05 < 5
