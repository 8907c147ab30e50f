"""The life of a job, whatever carries it: submitted, run, cancelled, waited for, followed, counted."""

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
from rider_core.testing.jobs.stage import Stage, spec
from rider_core.timing import Stopwatch


class JobLifeContract:
    """Submitting, taking, ending."""

    def test_a_job_goes_its_way(self, stage: Stage) -> None:
        backend = stage.backend
        job_id = backend.submit(spec(origin="test"))
        assert backend.get(job_id).state is JobState.WAITING
        leased = stage.dequeue()
        assert stage.prompt_of(leased) == "hello"
        running = backend.get(job_id)
        assert (running.state, running.attempts) == (JobState.RUNNING, 1)
        assert stage.done(leased, "hello")
        done = backend.wait(job_id, 1)
        assert done.value() == {"text": "hello"}
        assert (done.state, done.provider, done.mock, done.origin) == (JobState.DONE, "echo-text", True, "test")
        assert done.submitted_ts <= (done.started_ts or 0) <= (done.ended_ts or 0)
        assert [record.id for record in backend.recent(10)] == [job_id]
        assert stage.kinds() == ["job.accepted", "job.started", "job.done"]

    @pytest.mark.parametrize("length", [10, 2 * MAX_NOTIFIED_BYTES])
    def test_run_submits_and_waits(self, stage: Stage, length: int) -> None:
        """A short result comes with the word that the job has ended, a long one is fetched."""
        order = spec()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(stage.backend.run, order, 20)
            leased = stage.dequeue()
            stage.consumer.commit(
                [AttemptResult(leased, Outcome.DONE, json.dumps({"text": "x" * length}), "echo-text", True)]
            )
            record = running.result(20)
        assert (record.id, record.state, record.value()) == (order.id, JobState.DONE, {"text": "x" * length})

    def test_what_came_before_the_first_wait_is_not_slept_through(self, stage: Stage) -> None:
        consumer = stage.consumer_of("fresh")
        assert consumer.dequeue() == []
        job_id = stage.backend.submit(spec())
        watch = Stopwatch.start()
        consumer.wait_for_work(15)
        assert watch.elapsed_s < 10
        assert stage.dequeue("fresh").id == job_id

    @pytest.mark.parametrize("long", [True, False])
    def test_what_was_asked_for_is_forgotten_where_it_is_long(self, stage: Stage, long: bool) -> None:
        """A camera's pictures would fill the memory. A dead letter keeps it: it may be requeued."""
        payload = {"prompt": "x" * (keys.LONG_DATA_BYTES if long else 10)}
        done, failed, cancelled = (stage.backend.submit(spec(payload=payload)) for _ in range(3))
        assert stage.backend.cancel(cancelled)
        leased_jobs = {leased.id: leased for leased in stage.take_all()}
        assert stage.done(leased_jobs[done], "hello")
        assert stage.fail(leased_jobs[failed], Outcome.PERMANENT)
        kept = {
            job_id: bool(stage.connection.hget(keys.job_key(job_id), "data")) for job_id in (done, failed, cancelled)
        }
        assert kept == {done: not long, failed: True, cancelled: not long}
        assert stage.backend.wait(done, 1).value() == {"text": "hello"}
        assert stage.backend.dead_letter(failed).payload == payload

    def test_run_gives_up_after_its_time(self, stage: Stage) -> None:
        order = spec()
        with pytest.raises(WaitTimeout, match=f"{order.id} is still waiting"):
            stage.backend.run(order, 0.05)
        assert stage.dequeue().id == order.id

    def test_an_expired_job_never_runs(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec(deadline_ts=time.time() - 0.01))
        stage.takes_nothing()
        with pytest.raises(JobExpired):
            stage.backend.wait(job_id, 1).value()
        assert stage.kinds() == ["job.accepted", "job.expired"]

    def test_cancel_ends_waiting_jobs(self, stage: Stage) -> None:
        first, second = stage.backend.submit_many([spec(), spec()])
        assert stage.backend.cancel(first)
        assert [leased.id for leased in stage.take_all()] == [second]
        with pytest.raises(JobCancelled):
            stage.backend.get(first).value()
        assert not stage.backend.cancel(first)
        assert not stage.backend.cancel("nobody")

    def test_cancel_ends_a_running_job_and_discards_its_result(self, stage: Stage) -> None:
        stage.consumer.subscribe_cancellations()
        job_id = stage.backend.submit(spec())
        leased = stage.dequeue()
        assert stage.backend.cancel(job_id)
        assert stage.consumer.next_cancelled(5) == job_id
        assert stage.consumer.heartbeat([leased]) == [leased]
        assert not stage.done(leased, "late")
        assert stage.backend.wait(job_id, 1).state is JobState.CANCELLED
        assert not stage.connection.exists(keys.started_key("text"))
        assert stage.kinds() == ["job.accepted", "job.started", "job.cancelled"]
        assert not stage.connection.exists("rq:worker:w1"), "a worker that does not exist was written down"
        done = stage.backend.submit(spec())
        stage.done(stage.dequeue(), "x")
        assert not stage.backend.cancel(done)
        assert stage.backend.get(done).state is JobState.DONE

    def test_the_wait_for_cancellations_can_be_ended(self, stage: Stage) -> None:
        stage.consumer.subscribe_cancellations()
        timer = threading.Timer(0.1, stage.consumer.wake)
        timer.start()
        before = time.monotonic()
        assert stage.consumer.next_cancelled(8) is None
        assert time.monotonic() - before < 4
        timer.join()

    def test_wait_is_woken_and_gives_up(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stage.backend, "timings", replace(stage.backend.timings, wait_recheck_s=60.0))
        job_id = stage.backend.submit(spec())
        with pytest.raises(WaitTimeout, match="is still waiting"):
            stage.backend.wait(job_id, 0.05)
        leased = stage.dequeue()
        timer = threading.Timer(0.05, stage.done, [leased, "x"])
        timer.start()
        before = time.monotonic()
        assert stage.backend.wait(job_id, 8).state is JobState.DONE
        assert time.monotonic() - before < 4
        timer.join()

    def test_an_end_of_which_no_word_came_is_found(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec())
        ended = {"status": "finished", "ended_at": rq_time(time.time()), "result": "{}"}
        timer = threading.Timer(0.1, stage.connection.hset, [keys.job_key(job_id)], {"mapping": ended})
        timer.start()
        before = time.monotonic()
        assert stage.backend.wait(job_id, 8).state is JobState.DONE
        assert time.monotonic() - before < 4
        timer.join()

    def test_a_waiting_worker_is_woken(self, stage: Stage) -> None:
        stage.takes_nothing()
        timer = threading.Timer(0.1, stage.backend.submit, [spec()])
        timer.start()
        before = time.monotonic()
        stage.consumer.wait_for_work(8)
        assert time.monotonic() - before < 4
        timer.join()
        assert stage.consumer.dequeue()

    def test_a_followed_job_tells_its_whole_story(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec(stream=True))
        stage.done(stage.dequeue(), "x")
        events = EventBus(stage.connection, "test").follow(job_id, 5)
        assert [event.kind for event in events] == ["job.accepted", "job.started", "job.done"]

    def test_figures_agree_with_what_happened(self, stage: Stage) -> None:
        backend = stage.backend
        backend.submit_many([spec(id=f"job-{n}") for n in range(4)])
        backend.cancel("job-3")
        first, second, third = stage.take_all()
        stage.done(first, "x")
        stage.fail(second)
        (again,) = stage.take_all()
        stage.fail(again, Outcome.PERMANENT)
        backend.cancel(third.id)
        stage.done(third, "late")
        backend.submit_many([spec(newest_key="k"), spec(newest_key="k", deadline_ts=time.time() - 1)])
        stage.takes_nothing()
        (figures,) = [one for one in backend.figures() if one.task == "text.generate"]
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

    def test_stats_know_the_age_of_the_oldest(self, stage: Stage) -> None:
        assert [figures.oldest_s for figures in stage.backend.stats()] == [None, None, None]
        stage.backend.submit(spec())
        before = time.monotonic()
        stage.backend.submit(spec(priority=Priority.HIGH))
        age_s = stage.backend.stats()[2].oldest_s
        assert age_s is not None
        assert time.monotonic() - before <= age_s + 0.05 < 5
