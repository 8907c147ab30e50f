"""Workers that are killed (SIGKILL) at every moment of a job's life."""

from __future__ import annotations

import pytest

from rider_core.api.jobs import JobState
from rider_core.api.tasks import QUEUES
from rider_core.testing.jobs.faults.moments import FAST_TIMINGS, Moment
from rider_core.testing.jobs.faults.scene import Scene

one_and_three_queues = pytest.mark.parametrize("queues", [("text",), QUEUES], ids=["one-queue", "three-queues"])


def submit_to_each(scene: Scene, queues: tuple[str, ...], deed: str = "") -> list[str]:
    """Two jobs for each queue, and before them one that does the deed."""
    ids = [scene.submit("first", deed, queues[0])]
    return ids + [scene.submit(f"{queue}-{n}", "", queue) for queue in queues for n in range(2)]


def with_the_victim_first(scene: Scene, ids: list[str], state: JobState) -> list[str]:
    """The ids, the one in that state first: a broker does not say which queue's first job arrives first."""
    (victim,) = [job_id for job_id in ids if scene.backend.get(job_id).state is state]
    return [victim, *(job_id for job_id in ids if job_id != victim)]


class WorkerKillFaults:
    """One worker dies, the next does what is left: every job once, but for the one that died with it."""

    @one_and_three_queues
    def test_killed_after_it_took_a_job(self, scene: Scene, queues: tuple[str, ...]) -> None:
        ids = submit_to_each(scene, queues)
        scene.dies(scene.start(*queues, moment=Moment.TAKEN))
        first, *others = with_the_victim_first(scene, ids, JobState.RUNNING)
        assert scene.accounts.starts(first) == 0
        records = scene.all_done()
        assert [records[job_id].attempts for job_id in (first, *others)] == [2, *[1] * len(others)]

    @one_and_three_queues
    def test_killed_when_the_engine_has_begun(self, scene: Scene, queues: tuple[str, ...]) -> None:
        first, *others = submit_to_each(scene, queues, "kill once")
        scene.dies(scene.start(*queues))
        records = scene.all_done()
        assert [records[job_id].attempts for job_id in (first, *others)] == [2, *[1] * len(others)]
        assert [scene.accounts.starts(job_id) for job_id in (first, *others)] == [2, *[1] * len(others)]

    @one_and_three_queues
    def test_killed_in_the_middle_of_a_job(self, scene: Scene, queues: tuple[str, ...]) -> None:
        first, *others = submit_to_each(scene, queues, "hold")
        worker = scene.start(*queues)
        scene.started(first)
        scene.kill(worker)
        scene.open_gate()
        records = scene.all_done()
        assert [records[job_id].attempts for job_id in (first, *others)] == [2, *[1] * len(others)]
        assert (scene.accounts.starts(first), scene.accounts.ends(first)) == (2, 1)

    @one_and_three_queues
    def test_killed_after_the_job_before_its_result_is_committed(self, scene: Scene, queues: tuple[str, ...]) -> None:
        ids = submit_to_each(scene, queues)
        scene.dies(scene.start(*queues, moment=Moment.ANSWERED))
        first, *others = with_the_victim_first(scene, ids, JobState.RUNNING)
        assert scene.accounts.ends(first) == 1
        records = scene.all_done()
        assert [records[job_id].attempts for job_id in (first, *others)] == [2, *[1] * len(others)]
        assert scene.accounts.ends(first) == 2

    @one_and_three_queues
    def test_killed_after_the_result_was_committed(self, scene: Scene, queues: tuple[str, ...]) -> None:
        """Over RQ's lists it had taken the next job by then; a broker hands the ended job's ticket out once more."""
        ids = submit_to_each(scene, queues)
        scene.dies(scene.start(*queues, moment=Moment.COMMITTED))
        first, *others = with_the_victim_first(scene, ids, JobState.DONE)
        records = scene.all_done()
        assert (records[first].attempts, scene.accounts.starts(first)) == (1, 1)
        assert max(records[job_id].attempts for job_id in others) <= 2
        assert all(scene.accounts.starts(job_id) == 1 for job_id in others)

    def test_two_workers_one_is_killed_and_the_other_takes_over(self, scene: Scene) -> None:
        """Nobody is started anew: whoever lives finds the job."""
        ids = [scene.submit(f"j{n}", "hold") for n in range(2)]
        workers = [scene.start(), scene.start()]
        for job_id in ids:
            scene.started(job_id)
        scene.kill(workers[0])
        scene.open_gate()
        records = scene.all_done(crew=1)
        assert sorted(records[job_id].attempts for job_id in ids) == [1, 2]
        assert workers[1].poll() is None

    def test_a_job_that_takes_longer_than_its_lease_is_left_alone(self, scene: Scene) -> None:
        """The other way round: its worker lives, and says so."""
        job_id = scene.submit("long", f"slow {FAST_TIMINGS.lease_s * 2.5}")
        scene.man(2)
        assert scene.all_done(crew=2)[job_id].attempts == 1
