"""Workers that are told to stop (SIGTERM): the running job ends, and nothing is left in between."""

from __future__ import annotations

import subprocess

import pytest

from rider_core.api.jobs import JobState
from rider_core.testing.jobs.faults.moments import Moment
from rider_core.testing.jobs.faults.scene import PATIENCE_S, Scene
from rider_core.testing.waiting import let_pass

#: An idle worker heeds the signal when its wait for work is over, a second at most; then it says farewell.
IDLE_STOP_S = 8.0


class WorkerStopFaults:
    """What it had begun is done, what it had only taken is back, without an attempt."""

    def test_stopped_while_idle(self, scene: Scene) -> None:
        worker = scene.start(moment=Moment.SLOW_FAREWELL)
        scene.wait_for(lambda: scene.backend.capacity()["text.generate"] == 1, "the worker's word")
        worker.terminate()
        assert worker.wait(IDLE_STOP_S) == 0
        assert scene.backend.capacity()["text.generate"] == 0
        assert not scene.connection.smembers("rq:workers"), "a dead worker was written down again"

    @pytest.mark.parametrize("signals", [1, 2])
    def test_stopped_in_the_middle_of_a_job(self, scene: Scene, signals: int) -> None:
        running, waiting = scene.submit("running", "hold"), scene.submit("waiting")
        worker = scene.start()
        scene.started(running)
        for _ in range(signals):
            worker.terminate()
            with pytest.raises(subprocess.TimeoutExpired):  # the job goes on; and two signals at once would be one
                worker.wait(0.3)
        scene.open_gate()
        assert worker.wait(PATIENCE_S) == 0
        self.check_left(scene, done=[running], waiting=[waiting])

    def test_stopped_with_jobs_that_it_has_not_begun(self, scene: Scene) -> None:
        """It takes several where they are short, and there the signal comes."""
        first, *others = [scene.submit("first", "hold"), *(scene.submit(f"j{n}") for n in range(60))]
        worker = scene.start("text", moment=Moment.STOPPED_BETWEEN)
        scene.started(first)
        let_pass(0.5, "a broker hands out the others")
        scene.open_gate()
        assert worker.wait(PATIENCE_S) == 0
        done = [job_id for job_id in (first, *others) if scene.backend.get(job_id).state is JobState.DONE]
        assert first in done
        assert sum(task.returned for task in scene.backend.figures()) > 1
        self.check_left(scene, done=done, waiting=[job_id for job_id in others if job_id not in done])

    def check_left(self, scene: Scene, *, done: list[str], waiting: list[str]) -> None:
        """After the worker's end; and the next one does what waits, for the first time."""
        assert {scene.backend.get(job_id).state for job_id in done} == {JobState.DONE}
        states = [(record.state, record.attempts) for record in map(scene.backend.get, waiting)]
        assert set(states) == {(JobState.WAITING, 0)}
        assert not scene.connection.keys("rq:wip:*")
        records = scene.all_done()
        assert {record.attempts for record in records.values()} == {1}
