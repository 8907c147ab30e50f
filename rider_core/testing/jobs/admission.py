"""The contract of a job backend: which jobs are accepted, and which are refused."""

from __future__ import annotations

import time

import pytest

from rider_core.api.jobs import JobState, Priority
from rider_core.errors import InvalidInput, JobNotFound, JobRefused, QueueFull
from rider_core.jobs.store.admission import REFRESH_S
from rider_core.testing.jobs.harness import JobHarness, spec
from rider_core.testing.waiting import let_pass


class JobAdmissionContract:
    """Each id is accepted once. Invalid jobs are refused, and all jobs while a queue or the memory is full."""

    def test_the_same_id_is_accepted_once(self, harness: JobHarness) -> None:
        job = spec(id="once")
        assert harness.backend.submit(job) == harness.backend.submit(job) == "once"
        assert harness.backend.submit_many([job, job]) == ["once", "once"]
        assert [leased.id for leased in harness.dequeue_all()] == ["once"]

    def test_refusals_name_what_is_wrong(self, harness: JobHarness) -> None:
        backend = harness.backend
        with pytest.raises(JobRefused, match=r"no task 'os.system' \(use one of voice.transcribe"):
            backend.submit(spec(task="os.system"))
        with pytest.raises(InvalidInput, match="prompt: it is missing"):
            backend.submit(spec(payload={}))
        with pytest.raises(InvalidInput, match="tempo: there is no such field, only prompt"):
            backend.submit_many([spec(), spec(payload={"prompt": "x", "tempo": 1})])
        with pytest.raises(InvalidInput, match="temperature"):
            backend.submit(spec(payload={"prompt": "x", "temperature": float("nan")}))
        with pytest.raises(JobNotFound, match="'nobody'"):
            backend.get("nobody")
        harness.assert_no_job()

    @pytest.mark.usefixtures("max_waiting")
    def test_a_full_queue_refuses_all_or_none(self, harness: JobHarness) -> None:
        due_ts = time.time() + 60
        for later in (None, due_ts):
            harness.backend.submit_many([spec(due_ts=later), spec(due_ts=later)])
            with pytest.raises(QueueFull, match=r"jobs are waiting in text.*try again in 10 seconds") as refusal:
                harness.backend.submit(spec(due_ts=later))
            assert refusal.value.retry_after_s == 10
            with pytest.raises(QueueFull):
                harness.backend.submit_many([spec(due_ts=later, priority=Priority.HIGH) for _ in range(3)])
        assert [(figures.waiting, figures.scheduled) for figures in harness.backend.stats()] == [(0, 0), (0, 0), (2, 2)]
        harness.backend.submit(spec(priority=Priority.HIGH))

    @pytest.mark.usefixtures("max_waiting")
    def test_a_full_queue_still_takes_the_newest(self, harness: JobHarness) -> None:
        harness.backend.submit_many([spec(newest_key="cam-1"), spec()])
        harness.backend.submit(spec(newest_key="cam-1"))
        with pytest.raises(QueueFull):
            harness.backend.submit(spec(newest_key="cam-2"))
        assert harness.backend.stats()[2].waiting == 2

    def test_a_full_memory_refuses_new_jobs_and_ends_old_ones(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit(spec())
        # With this ballast 5 % of the memory is a megabyte: client buffers alone may take the last kilobytes.
        harness.connection.setrange("ballast", 20_000_000, "x")
        used = int(harness.connection.info("memory")["used_memory"])
        harness.connection.config_set("maxmemory-policy", "noeviction")
        harness.connection.config_set("maxmemory", int(used * 1.05))
        let_pass(REFRESH_S * 1.1, "the last reading of the memory may be that old")
        try:
            with pytest.raises(QueueFull, match="no more jobs are taken") as refusal:
                harness.backend.submit(spec())
            assert refusal.value.retry_after_s > 0
            assert harness.done(harness.dequeue(), "x")
        finally:
            harness.connection.config_set("maxmemory", 0)
            harness.connection.delete("ballast")
        assert harness.backend.get(job_id).state is JobState.DONE
