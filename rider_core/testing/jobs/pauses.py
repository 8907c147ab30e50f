"""The contract of a job backend: paused queues."""

from __future__ import annotations

import threading
import time

import pytest

from rider_core.api.jobs import JobState
from rider_core.errors import JobRefused
from rider_core.testing.jobs.harness import PATIENCE_S, JobHarness, spec
from rider_core.testing.waiting import let_pass

#: Time in seconds within which workers heed a pause, and the end of one.
HEEDED_S = 1.5


class PausedQueuesContract:
    """No worker takes a job of a paused queue, none is lost, and other queues are served as before."""

    def test_jobs_of_a_paused_queue_wait_and_others_run(self, harness: JobHarness) -> None:
        assert harness.backend.pause("text")
        assert not harness.backend.pause("text"), "it is paused already"
        kept = [harness.backend.submit(spec()) for _ in range(3)]
        speech = harness.backend.submit(spec(task="voice.synthesize", payload={"text": "hello"}))
        harness.let_arrive()
        assert [leased.id for leased in harness.dequeue_all()] == [speech]
        assert {harness.backend.get(job_id).state for job_id in kept} == {JobState.WAITING}
        paused = {stats.queue: (stats.paused, stats.waiting) for stats in harness.backend.stats()}
        assert paused == {"voice": (False, 0), "vision": (False, 0), "text": (True, 3)}
        assert harness.backend.resume("text")
        assert not harness.backend.resume("text"), "it is not paused"
        assert [harness.dequeue().id for _ in kept] == kept

    def test_a_running_worker_heeds_a_pause_and_its_end(self, harness: JobHarness) -> None:
        first = harness.backend.submit(spec())
        assert harness.dequeue().id == first
        harness.backend.pause("text")
        let_pass(HEEDED_S, "a worker over a broker reads the pauses twice a second")
        second = harness.backend.submit(spec())
        harness.let_arrive()
        assert harness.dequeue_all() == []
        taken: list[tuple[str, float]] = []

        def work() -> None:
            end = time.monotonic() + PATIENCE_S
            while not taken and time.monotonic() < end:
                taken.extend((leased.id, time.monotonic()) for leased in harness.consumer.dequeue({}))
                if not taken:
                    harness.consumer.wait_for_work(1)

        worker = threading.Thread(target=work)
        worker.start()
        let_pass(0.3, "it waits by now")
        resumed = time.monotonic()
        harness.backend.resume("text")
        worker.join(PATIENCE_S)
        ((job_id, at),) = taken
        assert job_id == second
        assert at - resumed < HEEDED_S

    def test_a_job_that_is_due_meanwhile_waits(self, harness: JobHarness) -> None:
        harness.backend.pause("text")
        job_id = harness.backend.submit(spec(due_ts=time.time() + 0.2))
        let_pass(0.5, "it is due meanwhile")
        assert harness.dequeue_all() == []
        harness.backend.resume("text")
        assert harness.dequeue().id == job_id

    def test_a_waiting_job_of_a_paused_queue_can_be_cancelled(self, harness: JobHarness) -> None:
        harness.backend.pause("text")
        job_id = harness.backend.submit(spec())
        assert harness.backend.cancel(job_id)
        harness.backend.resume("text")
        assert harness.dequeue_all() == []

    def test_an_unknown_queue_is_refused(self, harness: JobHarness) -> None:
        with pytest.raises(JobRefused, match="no queue 'nothing'"):
            harness.backend.pause("nothing")
        with pytest.raises(JobRefused, match="no queue 'nothing'"):
            harness.backend.resume("nothing")
