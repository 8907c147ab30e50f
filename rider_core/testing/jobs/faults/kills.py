"""Workers that are killed (SIGKILL) at every moment of a job's life."""

from __future__ import annotations

import pytest

from rider_core.api.jobs import JobState
from rider_core.api.tasks import QUEUES
from rider_core.testing.jobs.faults.harness import FaultHarness
from rider_core.testing.jobs.faults.kill_points import FAST_TIMINGS, KillPoint

one_and_three_queues = pytest.mark.parametrize("queues", [("text",), QUEUES], ids=["one-queue", "three-queues"])


def submit_to_each(harness: FaultHarness, queues: tuple[str, ...], deed: str = "") -> list[str]:
    """Two jobs for each queue, and before them one that does the deed."""
    ids = [harness.submit("first", deed, queues[0])]
    return ids + [harness.submit(f"{queue}-{n}", "", queue) for queue in queues for n in range(2)]


def with_the_victim_first(harness: FaultHarness, ids: list[str], state: JobState) -> list[str]:
    """The ids, the one in that state first: a broker does not say which queue's first job arrives first."""
    (victim,) = [job_id for job_id in ids if harness.backend.get(job_id).state is state]
    return [victim, *(job_id for job_id in ids if job_id != victim)]


class WorkerKillFaults:
    """One worker dies, the next does what is left: every job once, but for the one that died with it."""

    @one_and_three_queues
    def test_killed_after_it_took_a_job(self, harness: FaultHarness, queues: tuple[str, ...]) -> None:
        ids = submit_to_each(harness, queues)
        harness.dies(harness.start(*queues, kill_point=KillPoint.TAKEN))
        first, *others = with_the_victim_first(harness, ids, JobState.RUNNING)
        assert harness.journal.starts(first) == 0
        records = harness.all_done()
        assert [records[job_id].attempts for job_id in (first, *others)] == [2, *[1] * len(others)]

    @one_and_three_queues
    def test_killed_when_the_engine_has_begun(self, harness: FaultHarness, queues: tuple[str, ...]) -> None:
        first, *others = submit_to_each(harness, queues, "kill once")
        harness.dies(harness.start(*queues))
        records = harness.all_done()
        assert [records[job_id].attempts for job_id in (first, *others)] == [2, *[1] * len(others)]
        assert [harness.journal.starts(job_id) for job_id in (first, *others)] == [2, *[1] * len(others)]

    @one_and_three_queues
    def test_killed_in_the_middle_of_a_job(self, harness: FaultHarness, queues: tuple[str, ...]) -> None:
        first, *others = submit_to_each(harness, queues, "hold")
        worker = harness.start(*queues)
        harness.started(first)
        harness.kill(worker)
        harness.open_gate()
        records = harness.all_done()
        assert [records[job_id].attempts for job_id in (first, *others)] == [2, *[1] * len(others)]
        assert (harness.journal.starts(first), harness.journal.ends(first)) == (2, 1)

    @one_and_three_queues
    def test_killed_after_the_job_before_its_result_is_committed(
        self, harness: FaultHarness, queues: tuple[str, ...]
    ) -> None:
        ids = submit_to_each(harness, queues)
        harness.dies(harness.start(*queues, kill_point=KillPoint.ANSWERED))
        first, *others = with_the_victim_first(harness, ids, JobState.RUNNING)
        assert harness.journal.ends(first) == 1
        records = harness.all_done()
        assert [records[job_id].attempts for job_id in (first, *others)] == [2, *[1] * len(others)]
        assert harness.journal.ends(first) == 2

    @one_and_three_queues
    def test_killed_after_the_result_was_committed(self, harness: FaultHarness, queues: tuple[str, ...]) -> None:
        """With RQ's lists it has leased the next job by then; a broker delivers the ended job's ticket again."""
        ids = submit_to_each(harness, queues)
        harness.dies(harness.start(*queues, kill_point=KillPoint.COMMITTED))
        first, *others = with_the_victim_first(harness, ids, JobState.DONE)
        records = harness.all_done()
        assert (records[first].attempts, harness.journal.starts(first)) == (1, 1)
        assert max(records[job_id].attempts for job_id in others) <= 2
        assert all(harness.journal.starts(job_id) == 1 for job_id in others)

    def test_two_workers_one_is_killed_and_the_other_takes_over(self, harness: FaultHarness) -> None:
        """No worker is started: the one that lives finds the job."""
        ids = [harness.submit(f"j{n}", "hold") for n in range(2)]
        workers = [harness.start(), harness.start()]
        for job_id in ids:
            harness.started(job_id)
        harness.kill(workers[0])
        harness.open_gate()
        records = harness.all_done(crew=1)
        assert sorted(records[job_id].attempts for job_id in ids) == [1, 2]
        assert workers[1].poll() is None

    def test_a_job_that_takes_longer_than_its_lease_is_left_alone(self, harness: FaultHarness) -> None:
        """Its worker lives, and renews the lease."""
        job_id = harness.submit("long", f"slow {FAST_TIMINGS.lease_s * 2.5}")
        harness.keep_running(2)
        assert harness.all_done(crew=2)[job_id].attempts == 1
