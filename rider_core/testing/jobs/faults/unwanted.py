"""Jobs that are cancelled, or lose their lease, while their worker runs them: the worker goes on with the next."""

from __future__ import annotations

import signal

from rider_core.api.jobs import JobState
from rider_core.testing.jobs.faults.harness import PATIENCE_S, FaultHarness


class UnwantedFaults:
    """With a broker the ticket of such a job must be acknowledged, or it counts against the prefetch for good."""

    def test_cancelled_in_the_middle_of_a_job(self, harness: FaultHarness) -> None:
        running = harness.submit("running", "hold")
        worker = harness.start()
        harness.started(running)
        assert harness.backend.cancel(running)
        after = harness.submit("after")
        harness.open_gate()
        records = harness.end()
        assert (records[running].state, records[after].state) == (JobState.CANCELLED, JobState.DONE)
        assert harness.journal.starts(running) == 1
        assert worker.poll() is None

    def test_a_result_that_comes_after_the_lease_is_lost(self, harness: FaultHarness) -> None:
        """A worker is stopped for longer than its lease, and another does its job: the late result is discarded."""
        job_id = harness.submit("slept", "hold")
        sleeper = harness.start()
        harness.started(job_id)
        sleeper.send_signal(signal.SIGSTOP)
        try:
            helper = harness.start()
            harness.started(job_id, 2)
            harness.open_gate()
            assert harness.backend.wait(job_id, PATIENCE_S).attempts == 2
        finally:
            sleeper.send_signal(signal.SIGCONT)
        harness.wait_for(lambda: harness.journal.ends(job_id) == 2, "the sleeper's end")
        harness.kill(helper)
        after = harness.submit("after")
        records = harness.all_done()
        assert (records[job_id].attempts, records[after].attempts) == (2, 1)
        assert sleeper.poll() is None
