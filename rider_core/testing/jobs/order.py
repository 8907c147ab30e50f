"""Which job comes next, and when, whatever carries them."""

from __future__ import annotations

import threading
import time

import pytest

from rider_core.api.jobs import JobState, Priority
from rider_core.errors import JobCancelled
from rider_core.jobs import AttemptResult, Outcome
from rider_core.jobs.store.worker_session import FAIR_TURN
from rider_core.testing.jobs.stage import Stage, spec


class JobOrderContract:
    """Priorities, fairness, newest wins, what is due at a time, what is taken together."""

    def test_high_before_normal_before_low_over_all_queues(self, stage: Stage) -> None:
        speech = {"task": "voice.synthesize", "payload": {"text": "hello"}}
        low = stage.backend.submit(spec(priority=Priority.LOW, **speech))
        normal = stage.backend.submit(spec())
        high = stage.backend.submit(spec(priority=Priority.HIGH))
        urgent_speech = stage.backend.submit(spec(priority=Priority.HIGH, **speech))
        stage.let_arrive()
        assert [leased.id for leased in stage.take_all()] == [urgent_speech, high, normal, low]

    def test_nothing_starves(self, stage: Stage) -> None:
        """Of 8 jobs taken one is the oldest, though urgent ones keep coming, and though another queue goes first."""
        normal = stage.backend.submit(spec())
        low = stage.backend.submit(spec(priority=Priority.LOW))
        speech = {"task": "voice.synthesize", "payload": {"text": "hello"}, "priority": Priority.HIGH}
        stage.backend.submit_many([spec(**speech) for _ in range(40)])
        order = []
        for _ in range(FAIR_TURN * 2):
            stage.let_arrive()
            leased = stage.dequeue()
            order.append(leased.id)
            stage.done(leased, "x")
        assert order[FAIR_TURN - 1] == normal
        assert order[FAIR_TURN * 2 - 1] == low

    def test_the_newest_of_a_key_wins(self, stage: Stage) -> None:
        backend = stage.backend
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
        assert stage.kinds().count("job.replaced") == 3
        assert backend.recent(10) == [], "replaced frames would push everything else out"
        running = stage.dequeue()
        assert running.id == frames[2]
        backend.submit(spec(id="next", newest_key="cam-1"))
        assert stage.done(running, "x")
        assert [leased.id for leased in stage.take_all()] == [other, "soon", "next"]

    def test_an_older_job_is_not_tried_again_after_a_newer_one(self, stage: Stage) -> None:
        older = stage.backend.submit(spec(newest_key="cam-1"))
        leased = stage.dequeue()
        newer = stage.backend.submit(spec(newest_key="cam-1"))
        stage.fail(leased)
        assert [leased.id for leased in stage.take_all()] == [newer]
        assert stage.backend.get(older).state is JobState.REPLACED

    def test_a_scheduled_job_starts_when_it_is_due_and_not_before(self, stage: Stage) -> None:
        due_ts = time.time() + 0.4
        later = stage.backend.submit(spec(due_ts=due_ts + 60))
        job_id = stage.backend.submit(spec(due_ts=due_ts))
        record = stage.backend.get(job_id)
        assert (record.state, record.due_ts) == (JobState.SCHEDULED, due_ts)
        assert stage.backend.stats()[2].scheduled == 2
        assert stage.dequeue().id == job_id
        assert due_ts <= time.time() < due_ts + 2
        assert stage.backend.get(later).state is JobState.SCHEDULED

    def test_a_worker_that_waits_learns_of_a_nearer_time(self, stage: Stage) -> None:
        stage.backend.submit(spec(due_ts=time.time() + 60))
        stage.takes_nothing()
        stage.consumer.wait_for_work(0.01)
        timer = threading.Timer(0.1, lambda: stage.backend.submit(spec(id="near", due_ts=time.time() + 0.1)))
        timer.start()
        before = time.monotonic()
        stage.consumer.wait_for_work(8)
        assert stage.dequeue().id == "near"
        assert time.monotonic() - before < 4
        timer.join()

    def test_a_scheduled_job_can_be_cancelled(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec(due_ts=time.time() + 60))
        assert stage.backend.cancel(job_id)
        assert stage.backend.get(job_id).state is JobState.CANCELLED
        assert stage.backend.stats()[2].scheduled == 0

    def test_short_jobs_are_taken_together_and_urgent_ones_first(self, stage: Stage) -> None:
        normal = stage.backend.submit_many([spec() for _ in range(5)])
        high = stage.backend.submit(spec(priority=Priority.HIGH))
        stage.let_arrive()
        limits = {"text.generate": 3}
        first, second = (stage.take_together(limits=limits) for _ in range(2))
        rest = stage.take_all()
        assert [leased.id for leased in first] == [high]
        assert 1 <= len(second) <= 3
        assert sorted(leased.id for leased in [*second, *rest]) == sorted(normal)

    def test_what_was_not_begun_goes_back_without_an_attempt(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec())
        stage.give_back(stage.dequeue())
        assert stage.backend.get(job_id).attempts == 0
        leased = stage.dequeue()
        assert (leased.id, leased.attempt) == (job_id, 1)

    def test_what_is_put_off_comes_later_and_others_before_it(self, stage: Stage) -> None:
        first, second = stage.backend.submit_many([spec(), spec()])
        leased = stage.dequeue()
        stage.consumer.commit([AttemptResult(leased, Outcome.POSTPONED, delay_s=1.0)])
        record = stage.backend.get(leased.id)
        assert (record.state, record.attempts) == (JobState.SCHEDULED, 0)
        other = stage.dequeue()
        assert {leased.id, other.id} == {first, second}
        assert stage.done(other, "before it")
        assert stage.dequeue().id == leased.id
        assert stage.backend.get(leased.id).attempts == 1
