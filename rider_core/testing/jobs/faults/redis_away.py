"""Redis is killed (SIGKILL) and away for a while: what it accepted is there, and nothing else counts as accepted."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from rider_core.api.jobs import JobState
from rider_core.errors import BackendUnavailable, JobNotFound
from rider_core.testing.jobs.faults.harness import FaultHarness

#: How long Redis is away, in seconds: in every CI, and in earnest.
absences = pytest.mark.parametrize("away_s", [2.0, pytest.param(10.0, marks=pytest.mark.acceptance)])


class Submitting(threading.Thread):
    """Submits one job after another until told to stop; keeps on when it is refused."""

    def __init__(self, harness: FaultHarness) -> None:
        super().__init__(name="submitting")
        self._harness = harness
        self._stop_now = threading.Event()
        self.slowest_s = 0.0

    def run(self) -> None:
        number = 0
        while not self._stop_now.is_set():
            number += 1
            before = time.monotonic()
            try:
                self._harness.submit(f"s{number}")
            except BackendUnavailable:
                self._stop_now.wait(0.05)
            self._stop_now.wait(0.005)  # about 100 jobs a second, so that their events stay in the stream
            self.slowest_s = max(self.slowest_s, time.monotonic() - before)

    def end(self) -> None:
        self._stop_now.set()
        self.join()


def stay_away(harness: FaultHarness, away_s: float) -> None:
    """Leave Redis stopped for a fixed time, and start it again."""
    threading.Event().wait(away_s)
    harness.valkey.start()


class RedisAwayFaults:
    """Workers live on, and come back by themselves."""

    @absences
    def test_killed_while_workers_are_idle(self, harness: FaultHarness, away_s: float) -> None:
        waiting = harness.submit("kept")
        workers = [harness.start("voice"), harness.start("vision")]
        harness.ready(2)
        harness.valkey.kill()
        refused = harness.refused("refused")
        stay_away(harness, away_s)
        assert harness.backend.get(waiting).state is JobState.WAITING
        with pytest.raises(JobNotFound):
            harness.backend.get(refused)
        done = harness.submit("back", queue="voice")
        assert harness.backend.wait(done, 15).state is JobState.DONE
        assert [worker.poll() for worker in workers] == [None, None]
        harness.start("text")
        harness.all_done(crew=3)

    @absences
    def test_killed_during_a_job_that_goes_on_afterwards(self, harness: FaultHarness, away_s: float) -> None:
        running, waiting = harness.submit("running", "hold"), harness.submit("waiting")
        worker = harness.start()
        harness.started(running)
        harness.valkey.kill()
        harness.refused("refused")
        stay_away(harness, away_s)
        assert harness.backend.get(running).state is JobState.RUNNING
        harness.open_gate()
        records = harness.all_done()
        assert worker.poll() is None
        assert records[waiting].attempts == 1

    def test_killed_during_a_job_that_ends_meanwhile(self, harness: FaultHarness) -> None:
        """Its result is lost, so the job is run once more."""
        running = harness.submit("running", "hold")
        worker = harness.start()
        harness.started(running)
        harness.valkey.kill()
        harness.open_gate()
        harness.wait_for(lambda: "could not be stored" in harness.processes.log(), "the worker's complaint")
        harness.valkey.start()
        records = harness.all_done()
        assert (records[running].attempts, harness.journal.ends(running)) == (2, 2)
        assert worker.poll() is None

    @absences
    def test_killed_while_jobs_are_submitted_and_done(self, harness: FaultHarness, away_s: float) -> None:
        harness.keep_running(2)
        harness.ready(2)
        submitting = Submitting(harness)
        submitting.start()
        try:
            harness.wait_for(lambda: self._done(harness) > 20, "the first jobs")
            harness.valkey.kill()
            refused = len(harness.journal.refused)
            harness.wait_for(lambda: len(harness.journal.refused) > refused + 2, "refusals")
            accepted = len(harness.journal.accepted)
            stay_away(harness, away_s)
            harness.wait_for(lambda: len(harness.journal.accepted) > accepted + 20, "jobs that are accepted again")
        finally:
            submitting.end()
        workers = list(harness.workers)
        harness.all_done(crew=2)
        assert [worker.poll() for worker in workers] == [None, None], "a worker gave up"
        assert submitting.slowest_s < 5, "a submission was held up"

    def _done(self, harness: FaultHarness) -> int:
        with suppress(BackendUnavailable):
            return sum(task.done for task in harness.backend.figures())
        return 0
