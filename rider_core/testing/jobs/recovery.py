"""The contract of a job backend: what becomes of jobs that fail, are lost, or are dead letters."""

from __future__ import annotations

import time

import pytest

from rider_core.api.jobs import JobState, Priority, RetryPolicy
from rider_core.api.tasks import TASKS
from rider_core.errors import JobFailed, JobNotFound, JobRefused
from rider_core.jobs import Outcome
from rider_core.jobs.store import keys
from rider_core.testing.jobs.harness import PROBLEM, JobHarness, spec
from rider_core.testing.waiting import wait_until


class JobRecoveryContract:
    """Retries, leases, dead letters."""

    def test_failures_are_tried_again_until_the_policy_ends(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec(retry=RetryPolicy(max_attempts=2)))
        for attempt in (1, 2):
            leased = harness.dequeue()
            assert leased.attempt == attempt
            assert harness.fail(leased, trace="a trace")
        harness.assert_no_job()
        with pytest.raises(JobFailed, match="boom") as failure:
            harness.backend.wait(job_id, 1).value()
        assert failure.value.cause == "crashed"
        assert harness.kinds().count("job.retried") == 1

    def test_a_permanent_failure_is_not_retried(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec())
        harness.fail(harness.dequeue(), Outcome.PERMANENT)
        harness.assert_no_job()
        assert harness.backend.get(job_id).state is JobState.FAILED

    def test_a_failed_job_rests_before_the_next_attempt(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec())
        leased = harness.dequeue()
        failed_at = time.time()
        harness.fail(leased, delay_s=1.0)
        harness.assert_no_job()
        resting = harness.backend.get(job_id)
        assert (resting.state, resting.problem) == (JobState.SCHEDULED, PROBLEM)
        figures = harness.backend.stats()[2]
        assert (figures.waiting, figures.scheduled) == (0, 1)
        second = harness.dequeue()
        assert 1.0 <= time.time() - failed_at < 3
        assert (second.id, second.attempt) == (job_id, 2)

    def test_no_job_rests_beyond_its_deadline(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec(deadline_ts=time.time() + 60))
        harness.fail(harness.dequeue(), delay_s=61)
        assert harness.backend.get(job_id).state is JobState.FAILED

    def test_a_task_has_a_policy_of_its_own(self, harness: JobHarness) -> None:
        detect = TASKS["vision.detect"]
        frame = {"task": detect.name, "payload": {"image": "aGVsbG8="}}
        starts: dict[str, int] = {}
        ids = harness.backend.submit_many([spec(), spec(**frame), spec(retry=RetryPolicy(max_attempts=5))])
        while len(harness.backend.recent(10)) < 3:
            leased = harness.dequeue()
            starts[leased.id] = leased.attempt
            harness.fail(leased)
        assert [starts[job_id] for job_id in ids] == [3, detect.retry.max_attempts, 5]
        assert detect.retry.max_attempts != 3

    def test_one_that_failed_is_taken_alone(self, harness: JobHarness) -> None:
        """It may be what kills its worker: neighbours would lose an attempt with it."""
        first, *others = harness.backend.submit_many([spec() for _ in range(4)])
        harness.fail(harness.dequeue())
        limits = {"text.generate": 10}
        sizes: dict[str, int] = {}
        while len(sizes) < 4:
            leased_jobs = harness.dequeue_batch(limits=limits)
            sizes |= {leased.id: len(leased_jobs) for leased in leased_jobs}
        assert sizes[first] == 1
        assert set(sizes) == {first, *others}

    def test_one_with_a_single_attempt_is_taken_alone(self, harness: JobHarness) -> None:
        once = RetryPolicy(max_attempts=1)
        harness.backend.submit_many([spec(retry=once) for _ in range(3)])
        harness.let_arrive()
        assert [len(harness.dequeue_batch(limits={"text.generate": 10})) for _ in range(3)] == [1, 1, 1]

    def test_a_lost_lease_is_reaped_and_its_late_result_discarded(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec())
        late = harness.dequeue()
        assert harness.consumer.heartbeat([late]) == []
        assert harness.consumer.reap() == 0
        harness.lose(late)
        assert harness.consumer.reap() == 1
        assert harness.consumer.heartbeat([late]) == [late]
        second = harness.dequeue("w2")
        assert (second.id, second.attempt) == (job_id, 2)
        assert not harness.done(late, "late")
        assert harness.done(second, "second", "w2")
        assert harness.backend.get(job_id).value() == {"text": "second"}

    def test_a_job_that_kills_its_workers_becomes_a_dead_letter(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec(retry=RetryPolicy(max_attempts=3)))
        for attempt in (1, 2, 3):
            leased = harness.dequeue(f"victim-{attempt}")
            assert leased.attempt == attempt
            harness.lose(leased)
            assert harness.consumer.reap() == (attempt < 3)
        harness.assert_no_job()
        record = harness.backend.get(job_id)
        assert record.state is JobState.FAILED
        assert record.problem is not None
        assert record.problem.code == "lost"

    def test_a_dead_letter_tells_everything(self, harness: JobHarness) -> None:
        backend = harness.backend
        first, second = harness.make_dead_letters(spec(origin="test"), spec())
        assert [letter.record.id for letter in backend.dead_letters("text", 10)] == [second, first]
        assert len(backend.dead_letters("text", 1)) == len(backend.dead_letters("text", 10, offset=1)) == 1
        assert backend.dead_letters("voice", 10) == []
        letter = backend.dead_letter(first)
        assert letter.spec == spec(id=first, origin="test")
        assert letter.traceback == "Traceback: at line 1"
        assert (letter.record.attempts, letter.record.problem, letter.record.origin) == (1, PROBLEM, "test")
        with pytest.raises(JobRefused, match="no queue 'txet'"):
            backend.dead_letters("txet", 1)
        with pytest.raises(JobNotFound, match="it is waiting"):
            backend.dead_letter(backend.submit(spec()))

    def test_a_requeued_job_has_all_its_attempts_again(self, harness: JobHarness) -> None:
        backend = harness.backend
        (job_id,) = harness.make_dead_letters(spec(retry=RetryPolicy(max_attempts=2)))
        assert harness.connection.ttl(keys.job_key(job_id)) > 0
        assert backend.requeue(job_id)
        assert not backend.requeue(job_id)
        waiting = backend.get(job_id)
        assert (waiting.state, waiting.problem, waiting.ended_ts) == (JobState.WAITING, None, None)
        assert harness.connection.ttl(keys.job_key(job_id)) == -1
        assert backend.dead_letters("text", 10) == []
        attempts = []
        for _ in range(2):
            leased = harness.dequeue()
            attempts.append(leased.attempt)
            harness.fail(leased)
        assert attempts == [2, 3]
        harness.assert_no_job()
        assert [letter.record.id for letter in backend.dead_letters("text", 10)] == [job_id]
        assert [record.id for record in backend.recent(10)] == [job_id]

    def test_a_requeued_job_runs_though_its_deadline_has_passed(self, harness: JobHarness) -> None:
        deadline_ts = time.time() + 2
        (job_id,) = harness.make_dead_letters(spec(deadline_ts=deadline_ts))
        wait_until(lambda: time.time() > deadline_ts, what="the deadline")
        assert harness.backend.requeue(job_id)
        assert harness.dequeue().id == job_id

    def test_all_dead_letters_of_a_queue_at_once(self, harness: JobHarness) -> None:
        backend = harness.backend
        ids = harness.make_dead_letters(*[spec(priority=priority) for priority in Priority for _ in range(200)])
        assert backend.purge(ids[0])
        assert not backend.purge(ids[0])
        assert backend.requeue_all("text") == len(ids) - 1
        for _ in ids[1:]:
            harness.fail(harness.dequeue(), Outcome.PERMANENT)
        assert backend.requeue_all("voice") == 0
        assert backend.purge_all("text") == len(ids) - 1
        assert not list(harness.connection.scan_iter("rq:job:*"))
        assert backend.recent(10) == []

    @pytest.mark.usefixtures("few_dead_letters")
    def test_dead_letters_are_bounded(self, harness: JobHarness) -> None:
        ids = harness.make_dead_letters(*[spec() for _ in range(4)])
        assert harness.connection.zcard(keys.failed_key("text")) == 2
        assert not harness.connection.exists(keys.job_key(ids[0]))
