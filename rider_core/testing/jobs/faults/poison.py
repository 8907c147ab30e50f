"""Jobs that end their worker: dead letters after their last attempt, and other jobs are done."""

from __future__ import annotations

import pytest

from rider_core.api.jobs import JobRecord, JobState, RetryPolicy
from rider_core.jobs import submission
from rider_core.testing.jobs.faults.harness import FaultHarness
from rider_core.testing.jobs.faults.kill_points import TASK_TIMEOUT

#: So that a test need not wait for three lost leases.
TWICE = RetryPolicy(max_attempts=2, first_delay_s=0.1)


class PoisonFaults:
    """Two workers, one of which always has to be replaced."""

    @pytest.mark.parametrize(("deed", "code"), [("exit", "lost"), ("segfault", "lost"), ("loop", "timeout")])
    def test_a_job_that_ends_its_worker(self, harness: FaultHarness, deed: str, code: str) -> None:
        harness.processes.environment[TASK_TIMEOUT] = "2"
        before = [harness.submit(f"before-{n}") for n in range(3)]
        poison = harness.submit("poison", deed, retry=TWICE)
        after = [harness.submit(f"after-{n}") for n in range(3)]
        records = harness.end(crew=2)
        self.check_poisoned(harness, records, poison, code)
        assert {records[job_id].state for job_id in before + after} == {JobState.DONE}
        # A job that was dequeued together with it has lost an attempt with it.
        assert all(records[job_id].attempts <= 2 for job_id in before + after)

    def test_a_job_with_one_attempt_that_ends_its_worker(self, harness: FaultHarness) -> None:
        once = RetryPolicy(max_attempts=1)
        poison = harness.submit("poison", "exit", retry=once)
        neighbours = [harness.submit(f"n{n}", retry=once) for n in range(5)]
        records = harness.end()
        assert (records[poison].state, records[poison].attempts) == (JobState.FAILED, 1)
        assert {records[job_id].state for job_id in neighbours} == {JobState.DONE}

    def test_a_spec_that_cannot_be_read(self, harness: FaultHarness, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(submission, "data_of_spec", lambda spec: b"\xff\xfe[[[[")
            poison = harness.submit("poison")
        neighbour = harness.submit("neighbour")
        records = harness.end()
        assert records[poison].state is JobState.FAILED
        assert (records[poison].attempts, harness.journal.starts(poison)) == (1, 0)
        problem = records[poison].problem
        assert problem is not None
        assert problem.code == "invalid_input"
        assert records[neighbour].state is JobState.DONE

    def check_poisoned(self, harness: FaultHarness, records: dict[str, JobRecord], poison: str, code: str) -> None:
        record = records[poison]
        assert (record.state, record.attempts) == (JobState.FAILED, 2)
        assert record.problem is not None
        assert record.problem.code == code
        assert harness.journal.starts(poison) == 2
        assert harness.backend.dead_letter(poison).record == record
