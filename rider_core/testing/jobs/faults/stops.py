"""Workers that are stopped (SIGTERM): the running job ends, and the others are requeued."""

from __future__ import annotations

import subprocess

import pytest

from rider_core.api.jobs import JobState
from rider_core.testing.jobs.faults.harness import PATIENCE_S, FaultHarness
from rider_core.testing.jobs.faults.kill_points import KillPoint
from rider_core.testing.waiting import let_pass

#: Maximum time of an idle worker's end, in seconds: its wait for a job lasts a second at most, and then it shuts down.
IDLE_STOP_S = 8.0


class WorkerStopFaults:
    """Jobs that it had started are done; those that it had only leased are requeued without an attempt."""

    def test_stopped_while_idle(self, harness: FaultHarness) -> None:
        worker = harness.start(kill_point=KillPoint.SLOW_CLOSE)
        harness.wait_for(lambda: harness.backend.capacity()["text.generate"] == 1, "the worker's announcement")
        worker.terminate()
        assert worker.wait(IDLE_STOP_S) == 0
        assert harness.backend.capacity()["text.generate"] == 0
        assert not harness.connection.smembers("rq:workers"), "a dead worker was registered again"

    @pytest.mark.parametrize("signals", [1, 2])
    def test_stopped_in_the_middle_of_a_job(self, harness: FaultHarness, signals: int) -> None:
        running, waiting = harness.submit("running", "hold"), harness.submit("waiting")
        worker = harness.start()
        harness.started(running)
        for _ in range(signals):
            worker.terminate()
            with pytest.raises(subprocess.TimeoutExpired):  # the job goes on; and two signals at once would be one
                worker.wait(0.3)
        harness.open_gate()
        assert worker.wait(PATIENCE_S) == 0
        self.check_left(harness, done=[running], waiting=[waiting])

    def test_stopped_with_jobs_that_it_has_not_begun(self, harness: FaultHarness) -> None:
        """It leases several short jobs, and gets the signal before it starts them."""
        first, *others = [harness.submit("first", "hold"), *(harness.submit(f"j{n}") for n in range(60))]
        worker = harness.start("text", kill_point=KillPoint.STOPPED_BETWEEN)
        harness.started(first)
        let_pass(0.5, "a broker delivers the others")
        harness.open_gate()
        assert worker.wait(PATIENCE_S) == 0
        done = [job_id for job_id in (first, *others) if harness.backend.get(job_id).state is JobState.DONE]
        assert first in done
        assert sum(task.returned for task in harness.backend.figures()) > 1
        self.check_left(harness, done=done, waiting=[job_id for job_id in others if job_id not in done])

    def check_left(self, harness: FaultHarness, *, done: list[str], waiting: list[str]) -> None:
        """After the worker's end: the next worker does the waiting jobs, each in its first attempt."""
        assert {harness.backend.get(job_id).state for job_id in done} == {JobState.DONE}
        states = [(record.state, record.attempts) for record in map(harness.backend.get, waiting)]
        assert set(states) == {(JobState.WAITING, 0)}
        assert not harness.connection.keys("rq:wip:*")
        records = harness.all_done()
        assert {record.attempts for record in records.values()} == {1}
