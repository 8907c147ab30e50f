"""`rider up` with a full disk: everything starts and runs, jobs are refused with the reason, and it recovers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import plain_http
from harness.whole_stack import Stack

from rider_core.testing.processes import Processes
from rider_core.testing.small_disk import fill, small_disk
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

DISK_KB = 24 << 10


@pytest.fixture
def data_folder(request: pytest.FixtureRequest, processes: Processes) -> Iterator[Path]:
    folder = processes.folder / "disk"
    folder.mkdir()
    with small_disk(folder, DISK_KB, request.param):
        data = folder / "data"
        data.mkdir(0o700)
        processes.environment["RIDER_DATA_DIR"] = str(data)
        yield data


@pytest.fixture
def stack(data_folder: Path, processes: Processes) -> Iterator[Stack]:
    stack = Stack(processes)
    stack.start()
    yield stack
    stack.end()
    assert "Traceback" not in processes.log("up")


@pytest.mark.parametrize("data_folder", ["tmpfs"], indirect=True)
def test_it_runs_into_a_full_disk(stack: Stack, data_folder: Path) -> None:
    before = stack.members()
    balloon = fill(data_folder)
    _jobs_are_refused(stack)
    balloon.unlink()
    _recovers(stack)
    assert stack.members() == before


@pytest.mark.parametrize("data_folder", ["ext4"], indirect=True)
def test_it_starts_on_a_full_disk(stack: Stack, data_folder: Path) -> None:
    stack.end()
    balloon = fill(data_folder)
    stack.start()
    before = stack.members()
    fill(data_folder)  # also the space that the ended processes had
    _jobs_are_refused(stack)
    doctor = stack.processes.start("-m", "rider_core.cli.main", "doctor", log="doctor")
    assert doctor.wait(30) == 1
    assert "FAIL Redis: its log in" in stack.processes.log("doctor")
    balloon.unlink()
    _recovers(stack)
    assert stack.members() == before


@pytest.mark.parametrize("data_folder", ["tmpfs", "ext4"], indirect=True)
def test_a_first_start_needs_free_space(data_folder: Path, processes: Processes) -> None:
    fill(data_folder)
    Stack(processes)  # its ports
    up = processes.start("-m", "rider_core.cli.main", "up", log="up")
    assert up.wait(30) == 1
    assert f"the disk of the data folder {data_folder} has no 8 MB for the first start" in processes.log("up")


def _jobs_are_refused(stack: Stack) -> None:
    command = ("-m", "rider_core.cli.main", "run", "text.generate", "lost?", "--timeout", "20")
    assert stack.processes.start(*command, log="refused").wait(60) == 1
    assert "Redis cannot write to its disk" in stack.processes.log("refused")
    wait_until(lambda: _redis(stack) == "cannot write", 30, "the panel's report")


def _recovers(stack: Stack) -> None:
    wait_until(lambda: _redis(stack) == "up", 30, "the recovery")
    assert stack.run("again", "after") == "again"


def _redis(stack: Stack) -> str:
    return str(plain_http.get(f"{stack.url}/healthz").json()["redis"])
