"""Workers that are killed at random times, repeatedly. RIDER_TEST_SEED repeats a run."""

from __future__ import annotations

import os
import random
import signal
from itertools import islice

import pytest

from rider_core.api.jobs import JobState
from rider_core.api.tasks import QUEUES
from rider_core.testing.jobs.faults.harness import FaultHarness
from rider_core.testing.waiting import let_pass

SEED = "RIDER_TEST_SEED"
#: Number of workers, each of which serves all queues.
CREW = 3
#: Time between two kills, in seconds: about the start time of a worker, so that some are always running.
PAUSE_S = (0.2, 1.2)


def deed(dice: random.Random) -> str:
    """Mostly short jobs, so that several are dequeued together; some take as long as the time between two kills."""
    return dice.choice(["", "", "", f"slow {dice.uniform(0.0, 0.3):.3f}", "raise once"])


class RandomKillFaults:
    """Some jobs may fail after three killed attempts; no job is lost, and none is done twice."""

    @pytest.mark.parametrize(
        ("kills", "jobs"), [(8, 60), pytest.param(50, 200, marks=pytest.mark.acceptance)], ids=["8-kills", "50-kills"]
    )
    def test_killed_at_random(self, harness: FaultHarness, kills: int, jobs: int) -> None:
        seed = int(os.environ.get(SEED) or 1)
        print(f"{SEED}={seed}")  # pytest shows it where the test fails
        dice = random.Random(seed)
        numbers = iter(range(jobs))
        for kill in range(kills):
            for number in islice(numbers, jobs // kills + 1):
                harness.submit(f"j{number}", deed(dice), dice.choice(QUEUES))
            harness.keep_running(CREW)
            let_pass(dice.uniform(*PAUSE_S), "a random moment is to come")
            victim = dice.choice(harness.workers)
            harness.kill(victim)
            if kill % 10 == 0:
                harness.submit_batch(f"b{kill}", [deed(dice) for _ in range(10)])
        records = harness.end(crew=CREW, timeout_s=120)
        harness.keep_running(CREW)
        assert harness.exit_codes == [-signal.SIGKILL] * kills, "workers died that were not killed"
        states = [record.state for record in records.values()]
        lost = [record for record in records.values() if record.state is JobState.FAILED]
        print(f"{len(states)} jobs, {states.count(JobState.DONE)} done, {len(lost)} dead letters, {kills} kills")
        # Killed in its last attempt; or it raised in that, being killed in those before; or an item of a batch did.
        codes = {record.problem.code for record in lost if record.problem}
        assert codes <= {"lost", "crashed", "partial"}, codes
        assert len(lost) < len(states) / 4
