"""The disk under Redis is full: new jobs are refused clearly, accepted ones are kept, and room is all that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rider_core.errors import BackendUnavailable
from rider_core.testing.jobs.faults.scene import Scene
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
    def test_the_disk_is_full(self, scene: Scene) -> None:
        running = scene.submit("running", "hold")
        worker = scene.start()
        scene.started(running)
        balloon = fill(scene.valkey.folder, LEFT)
        with pytest.raises(BackendUnavailable, match=r"Redis cannot write to its disk.*No space left on device"):
            self._flood(scene)
        assert len(scene.accounts.accepted) > 1
        scene.refused("refused")
        scene.open_gate()
        scene.wait_for(lambda: "could not be stored" in scene.processes.log(), "the worker's complaint")
        assert all(scene.backend.get(job_id) for job_id in scene.accounts.accepted)
        balloon.unlink()
        scene.wait_for(lambda: self._accepts(scene), "that a job is accepted again")
        scene.all_done()
        assert worker.poll() is None

    def _flood(self, scene: Scene) -> None:
        for number in range(ENOUGH_JOBS):
            scene.submit(f"j{number}")

    def _accepts(self, scene: Scene) -> bool:
        try:
            scene.submit(f"again-{len(scene.accounts.refused)}")
        except BackendUnavailable:
            return False
        return True
