"""Jobs that nobody wants any more while their worker is at them: it goes on with the next."""

from __future__ import annotations

import signal

from rider_core.api.jobs import JobState
from rider_core.testing.jobs.faults.scene import PATIENCE_S, Scene


class UnwantedFaults:
    """Over a broker the ticket of such a job must be settled, or it takes the place of the next for good."""

    def test_cancelled_in_the_middle_of_a_job(self, scene: Scene) -> None:
        running = scene.submit("running", "hold")
        worker = scene.start()
        scene.started(running)
        assert scene.backend.cancel(running)
        after = scene.submit("after")
        scene.open_gate()
        records = scene.end()
        assert (records[running].state, records[after].state) == (JobState.CANCELLED, JobState.DONE)
        assert scene.accounts.starts(running) == 1
        assert worker.poll() is None

    def test_a_result_that_comes_after_the_lease_is_lost(self, scene: Scene) -> None:
        """A worker that stood still for longer than its lease: another did its job, and it does no harm."""
        job_id = scene.submit("slept", "hold")
        sleeper = scene.start()
        scene.started(job_id)
        sleeper.send_signal(signal.SIGSTOP)
        try:
            helper = scene.start()
            scene.started(job_id, 2)
            scene.open_gate()
            assert scene.backend.wait(job_id, PATIENCE_S).attempts == 2
        finally:
            sleeper.send_signal(signal.SIGCONT)
        scene.wait_for(lambda: scene.accounts.ends(job_id) == 2, "the sleeper's end")
        scene.kill(helper)
        after = scene.submit("after")
        records = scene.all_done()
        assert (records[job_id].attempts, records[after].attempts) == (2, 1)
        assert sleeper.poll() is None
