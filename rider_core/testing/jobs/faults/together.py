"""Workers that are killed while they hold several jobs, or a batch: the other jobs are unharmed."""

from __future__ import annotations

from rider_core.api.jobs import JobState, Progress
from rider_core.testing.jobs.faults.harness import FaultHarness

#: Longer than the interval at which a worker stores the results of a batch's items (`batches.STORE_EVERY_S`).
ITEM_S = 0.08


class TogetherFaults:
    """Jobs are dequeued together once a worker has found them to be short."""

    def test_killed_with_several_short_jobs_in_hand(self, harness: FaultHarness) -> None:
        """The job that kills its worker every time is found: jobs that were lost are run solo."""
        ids = [harness.submit(f"j{n}", "kill" if n == 12 else "") for n in range(24)]
        poison = ids.pop(12)
        records = harness.end()
        assert (records[poison].state, records[poison].attempts) == (JobState.FAILED, 3)
        assert {records[job_id].state for job_id in ids} == {JobState.DONE}
        assert max(records[job_id].attempts for job_id in ids) == 2, "none was taken together with it: nothing is shown"
        assert harness.journal.starts(poison) <= 3

    def test_killed_in_the_middle_of_a_batch(self, harness: FaultHarness) -> None:
        deeds = [f"slow {ITEM_S}"] * 8
        deeds[5] = "kill once"
        batch = harness.submit_batch("batch", deeds)
        harness.dies(harness.start())
        assert harness.backend.get(batch).progress == Progress(total=8, done=5, failed=0)
        records = harness.all_done()
        assert records[batch].progress == Progress(total=8, done=8, failed=0)
        assert records[batch].attempts == 2
        starts = [harness.journal.starts(item) for item in harness.journal.items[batch]]
        assert starts == [1, 1, 1, 1, 1, 2, 1, 1]
        assert all(item.result for item in harness.backend.batch_items(batch))
