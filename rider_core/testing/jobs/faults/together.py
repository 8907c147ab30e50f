"""Workers that are killed while they hold several jobs, or a batch: who else was there is unharmed."""

from __future__ import annotations

from rider_core.api.jobs import JobState, Progress
from rider_core.testing.jobs.faults.scene import Scene

#: Longer than a worker keeps what came of a batch's items to itself (`BatchRun.STORE_EVERY_S`).
ITEM_S = 0.08


class TogetherFaults:
    """Short jobs are taken together once a worker knows that they are short."""

    def test_killed_with_several_short_jobs_in_hand(self, scene: Scene) -> None:
        """The one that kills its worker every time is found: afterwards each is run alone."""
        ids = [scene.submit(f"j{n}", "kill" if n == 12 else "") for n in range(24)]
        poison = ids.pop(12)
        records = scene.end()
        assert (records[poison].state, records[poison].attempts) == (JobState.FAILED, 3)
        assert {records[job_id].state for job_id in ids} == {JobState.DONE}
        assert max(records[job_id].attempts for job_id in ids) == 2, "none was taken together with it: nothing is shown"
        assert scene.accounts.starts(poison) <= 3

    def test_killed_in_the_middle_of_a_batch(self, scene: Scene) -> None:
        deeds = [f"slow {ITEM_S}"] * 8
        deeds[5] = "kill once"
        batch = scene.submit_batch("batch", deeds)
        scene.dies(scene.start())
        assert scene.backend.get(batch).progress == Progress(total=8, done=5, failed=0)
        records = scene.all_done()
        assert records[batch].progress == Progress(total=8, done=8, failed=0)
        assert records[batch].attempts == 2
        starts = [scene.accounts.starts(item) for item in scene.accounts.items[batch]]
        assert starts == [1, 1, 1, 1, 1, 2, 1, 1]
        assert all(item.result for item in scene.backend.batch_items(batch))
