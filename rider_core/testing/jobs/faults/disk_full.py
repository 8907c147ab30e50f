"""The disk under Redis is full: new jobs are refused with the reason, accepted ones are kept until there is space."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rider_core.errors import BackendUnavailable
from rider_core.testing.jobs.faults.harness import FaultHarness
from rider_core.testing.small_disk import fill, small_disk

#: Room for Redis's files, in MB; and what is left of it, in bytes, when the disk is nearly full.
DISK_MB = 8
LEFT = 64 * 1024
#: Each job takes about a kilobyte of Redis's log of writes.
ENOUGH_JOBS = 500


class DiskFullFaults:
    """A worker is at work all the time."""

    @pytest.fixture
    def small_disk(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        with small_disk(tmp_path_factory.mktemp("d"), DISK_MB << 10) as folder:
            yield folder

    @pytest.mark.parametrize("data_folder", ["small_disk"], indirect=True)
    def test_the_disk_is_full(self, harness: FaultHarness) -> None:
        running = harness.submit("running", "hold")
        worker = harness.start()
        harness.started(running)
        balloon = fill(harness.valkey.folder, LEFT)
        with pytest.raises(BackendUnavailable, match=r"Redis cannot write to its disk.*No space left on device"):
            self._flood(harness)
        assert len(harness.journal.accepted) > 1
        harness.refused("refused")
        harness.open_gate()
        harness.wait_for(lambda: "could not be stored" in harness.processes.log(), "the worker's complaint")
        assert all(harness.backend.get(job_id) for job_id in harness.journal.accepted)
        balloon.unlink()
        harness.wait_for(lambda: self._accepts(harness), "that a job is accepted again")
        harness.all_done()
        assert worker.poll() is None

    def _flood(self, harness: FaultHarness) -> None:
        for number in range(ENOUGH_JOBS):
            harness.submit(f"j{number}")

    def _accepts(self, harness: FaultHarness) -> bool:
        try:
            harness.submit(f"again-{len(harness.journal.refused)}")
        except BackendUnavailable:
            return False
        return True
