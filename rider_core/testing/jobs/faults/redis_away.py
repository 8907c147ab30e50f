"""Redis is killed (SIGKILL) and away for a while: what it accepted is there, and nothing else counts as accepted."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from rider_core.api.jobs import JobState
from rider_core.errors import BackendUnavailable, JobNotFound
from rider_core.testing.jobs.faults.scene import Scene

#: How long Redis is away, in seconds: in every CI, and in earnest.
absences = pytest.mark.parametrize("away_s", [2.0, pytest.param(10.0, marks=pytest.mark.acceptance)])


class Submitting(threading.Thread):
    """Submits one job after another until told to stop; keeps on when it is refused."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(name="submitting")
        self._scene = scene
        self._stop_now = threading.Event()
        self.slowest_s = 0.0

    def run(self) -> None:
        number = 0
        while not self._stop_now.is_set():
            number += 1
            before = time.monotonic()
            try:
                self._scene.submit(f"s{number}")
            except BackendUnavailable:
                self._stop_now.wait(0.05)
            self._stop_now.wait(0.005)  # some 100 jobs a second, so that their events stay in the house's stream
            self.slowest_s = max(self.slowest_s, time.monotonic() - before)

    def end(self) -> None:
        self._stop_now.set()
        self.join()


def stay_away(scene: Scene, away_s: float) -> None:
    """The very thing: nothing happens for a while, but for what the test's threads and workers do."""
    threading.Event().wait(away_s)
    scene.valkey.start()


class RedisAwayFaults:
    """Workers live on, and come back by themselves."""

    @absences
    def test_killed_while_workers_are_idle(self, scene: Scene, away_s: float) -> None:
        waiting = scene.submit("kept")
        workers = [scene.start("voice"), scene.start("vision")]
        scene.ready(2)
        scene.valkey.kill()
        refused = scene.refused("refused")
        stay_away(scene, away_s)
        assert scene.backend.get(waiting).state is JobState.WAITING
        with pytest.raises(JobNotFound):
            scene.backend.get(refused)
        done = scene.submit("back", queue="voice")
        assert scene.backend.wait(done, 15).state is JobState.DONE
        assert [worker.poll() for worker in workers] == [None, None]
        scene.start("text")
        scene.all_done(crew=3)

    @absences
    def test_killed_during_a_job_that_goes_on_afterwards(self, scene: Scene, away_s: float) -> None:
        running, waiting = scene.submit("running", "hold"), scene.submit("waiting")
        worker = scene.start()
        scene.started(running)
        scene.valkey.kill()
        scene.refused("refused")
        stay_away(scene, away_s)
        assert scene.backend.get(running).state is JobState.RUNNING
        scene.open_gate()
        records = scene.all_done()
        assert worker.poll() is None
        assert records[waiting].attempts == 1

    def test_killed_during_a_job_that_ends_meanwhile(self, scene: Scene) -> None:
        """Its result is lost: nobody was there to take it. So it is run once more."""
        running = scene.submit("running", "hold")
        worker = scene.start()
        scene.started(running)
        scene.valkey.kill()
        scene.open_gate()
        scene.wait_for(lambda: "could not be stored" in scene.processes.log(), "the worker's complaint")
        scene.valkey.start()
        records = scene.all_done()
        assert (records[running].attempts, scene.accounts.ends(running)) == (2, 2)
        assert worker.poll() is None

    @absences
    def test_killed_while_jobs_are_submitted_and_done(self, scene: Scene, away_s: float) -> None:
        scene.man(2)
        scene.ready(2)
        submitting = Submitting(scene)
        submitting.start()
        try:
            scene.wait_for(lambda: self._done(scene) > 20, "the first jobs")
            scene.valkey.kill()
            refused = len(scene.accounts.refused)
            scene.wait_for(lambda: len(scene.accounts.refused) > refused + 2, "refusals")
            accepted = len(scene.accounts.accepted)
            stay_away(scene, away_s)
            scene.wait_for(lambda: len(scene.accounts.accepted) > accepted + 20, "jobs that are accepted again")
        finally:
            submitting.end()
        workers = list(scene.workers)
        scene.all_done(crew=2)
        assert [worker.poll() for worker in workers] == [None, None], "a worker gave up"
        assert submitting.slowest_s < 5, "somebody who submits was held up"

    def _done(self, scene: Scene) -> int:
        with suppress(BackendUnavailable):
            return sum(task.done for task in scene.backend.figures())
        return 0
