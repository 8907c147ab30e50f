"""The contract of a job backend: the order of jobs, and their due times."""

from __future__ import annotations

import threading
import time

import pytest

from rider_core.api.jobs import JobState, Priority
from rider_core.errors import JobCancelled
from rider_core.jobs import AttemptResult, Outcome
from rider_core.jobs.store.worker_session import FAIR_TURN
from rider_core.testing.jobs.harness import JobHarness, spec


class JobOrderContract:
    """Priorities, fairness, coalescing keys, scheduled jobs, and jobs that are dequeued together."""

    def test_high_before_normal_before_low_over_all_queues(self, harness: JobHarness) -> None:
        speech = {"task": "voice.synthesize", "payload": {"text": "hello"}}
        low = harness.backend.submit(spec(priority=Priority.LOW, **speech))
        normal = harness.backend.submit(spec())
        high = harness.backend.submit(spec(priority=Priority.HIGH))
        urgent_speech = harness.backend.submit(spec(priority=Priority.HIGH, **speech))
        harness.let_arrive()
        assert [leased.id for leased in harness.dequeue_all()] == [urgent_speech, high, normal, low]

    def test_nothing_starves(self, harness: JobHarness) -> None:
        """Every 8th job is the oldest, although urgent ones keep coming, and although another queue goes first."""
        normal = harness.backend.submit(spec())
        low = harness.backend.submit(spec(priority=Priority.LOW))
        speech = {"task": "voice.synthesize", "payload": {"text": "hello"}, "priority": Priority.HIGH}
        harness.backend.submit_many([spec(**speech) for _ in range(40)])
        order = []
        for _ in range(FAIR_TURN * 2):
            harness.let_arrive()
            leased = harness.dequeue()
            order.append(leased.id)
            harness.done(leased, "x")
        assert order[FAIR_TURN - 1] == normal
        assert order[FAIR_TURN * 2 - 1] == low

    def test_the_newest_of_a_key_wins(self, harness: JobHarness) -> None:
        backend = harness.backend
        frames = backend.submit_many([spec(newest_key="cam-1") for _ in range(3)])
        other = backend.submit(spec(newest_key="cam-2"))
        late = backend.submit(spec(newest_key="late", due_ts=time.time() + 60))
        assert backend.submit(spec(id="soon", newest_key="late")) == "soon"
        assert [backend.get(job_id).state for job_id in [*frames, other, late]] == [
            JobState.REPLACED,
            JobState.REPLACED,
            JobState.WAITING,
            JobState.WAITING,
            JobState.REPLACED,
        ]
        with pytest.raises(JobCancelled, match="replaced by a newer one"):
            backend.wait(frames[0], 1).value()
        assert backend.stats()[2].waiting == 3
        assert harness.kinds().count("job.replaced") == 3
        assert backend.recent(10) == [], "replaced frames would push everything else out"
        running = harness.dequeue()
        assert running.id == frames[2]
        backend.submit(spec(id="next", newest_key="cam-1"))
        assert harness.done(running, "x")
        assert [leased.id for leased in harness.dequeue_all()] == [other, "soon", "next"]

    def test_an_older_job_is_not_tried_again_after_a_newer_one(self, harness: JobHarness) -> None:
        older = harness.backend.submit(spec(newest_key="cam-1"))
        leased = harness.dequeue()
        newer = harness.backend.submit(spec(newest_key="cam-1"))
        harness.fail(leased)
        assert [leased.id for leased in harness.dequeue_all()] == [newer]
        assert harness.backend.get(older).state is JobState.REPLACED

    def test_a_scheduled_job_starts_when_it_is_due_and_not_before(self, harness: JobHarness) -> None:
        due_ts = time.time() + 0.4
        later = harness.backend.submit(spec(due_ts=due_ts + 60))
        job_id = harness.backend.submit(spec(due_ts=due_ts))
        record = harness.backend.get(job_id)
        assert (record.state, record.due_ts) == (JobState.SCHEDULED, due_ts)
        assert harness.backend.stats()[2].scheduled == 2
        assert harness.dequeue().id == job_id
        assert due_ts <= time.time() < due_ts + 2
        assert harness.backend.get(later).state is JobState.SCHEDULED

    def test_a_worker_that_waits_learns_of_a_nearer_time(self, harness: JobHarness) -> None:
        harness.backend.submit(spec(due_ts=time.time() + 60))
        harness.assert_no_job()
        harness.consumer.wait_for_work(0.01)
        timer = threading.Timer(0.1, lambda: harness.backend.submit(spec(id="near", due_ts=time.time() + 0.1)))
        timer.start()
        before = time.monotonic()
        harness.consumer.wait_for_work(8)
        assert harness.dequeue().id == "near"
        assert time.monotonic() - before < 4
        timer.join()

    def test_a_scheduled_job_can_be_cancelled(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec(due_ts=time.time() + 60))
        assert harness.backend.cancel(job_id)
        assert harness.backend.get(job_id).state is JobState.CANCELLED
        assert harness.backend.stats()[2].scheduled == 0

    def test_short_jobs_are_taken_together_and_urgent_ones_first(self, harness: JobHarness) -> None:
        normal = harness.backend.submit_many([spec() for _ in range(5)])
        high = harness.backend.submit(spec(priority=Priority.HIGH))
        harness.let_arrive()
        limits = {"text.generate": 3}
        first, second = (harness.dequeue_batch(limits=limits) for _ in range(2))
        rest = harness.dequeue_all()
        assert [leased.id for leased in first] == [high]
        assert 1 <= len(second) <= 3
        assert sorted(leased.id for leased in [*second, *rest]) == sorted(normal)

    def test_what_was_not_begun_goes_back_without_an_attempt(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec())
        harness.release(harness.dequeue())
        assert harness.backend.get(job_id).attempts == 0
        leased = harness.dequeue()
        assert (leased.id, leased.attempt) == (job_id, 1)

    def test_what_is_put_off_comes_later_and_others_before_it(self, harness: JobHarness) -> None:
        first, second = harness.backend.submit_many([spec(), spec()])
        leased = harness.dequeue()
        harness.consumer.commit([AttemptResult(leased, Outcome.POSTPONED, delay_s=1.0)])
        record = harness.backend.get(leased.id)
        assert (record.state, record.attempts) == (JobState.SCHEDULED, 0)
        other = harness.dequeue()
        assert {leased.id, other.id} == {first, second}
        assert harness.done(other, "before it")
        assert harness.dequeue().id == leased.id
        assert harness.backend.get(leased.id).attempts == 1
