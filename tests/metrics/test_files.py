"""Metrics of processes with a full disk: no process dies, and a log line says that metrics are missing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rider_core.metrics import files
from rider_core.metrics.files import FIRST_BYTES, PreallocatedDict
from rider_core.testing.small_disk import make_read_only, small_disk

PROGRAM = """
import sys
from rider_core.metrics import LINK_RECEIVED
from rider_core.metrics.exposition import exposition, registry
full = open(sys.argv[1], "wb", buffering=0)
try:
    while True:
        full.write(bytes(4096))
except OSError:
    pass
for number in range(3000):
    LINK_RECEIVED.labels(f"topic-{number:0100}").inc()
assert LINK_RECEIVED.labels(f"topic-{7:0100}")._value.get() == 1
print(len(exposition(registry(), "")[0]))
"""

COUNTS = """
from rider_core.metrics import LINK_RECEIVED
LINK_RECEIVED.labels("topic").inc(7)
print(int(LINK_RECEIVED.labels("topic")._value.get()))
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, 256) as folder:
        yield folder


def test_a_process_outlives_a_disk_that_is_full(disk: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(disk / "full")],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(disk), "RIDER_PROCESS": "link"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) >= 0
    assert "missing from /metrics" in run.stderr


def test_a_process_starts_on_a_disk_that_is_full(disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (disk / "full").write_bytes(bytes(1 << 20))
    test_a_process_outlives_a_disk_that_is_full(disk)


def metrics_of_a_process(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COUNTS],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "RIDER_PROCESS": "link"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("how", ["no more files", "read only"])
def test_a_process_counts_where_no_file_can_be_made(tmp_path: Path, how: str) -> None:
    """A disk with free space that takes no file: all inodes are in use, or it is read-only."""
    with small_disk(tmp_path, 1024, files=2 if how == "no more files" else 0) as folder:
        if how == "no more files":
            (folder / "the last one").touch()
        else:
            make_read_only(folder)
        run = metrics_of_a_process(folder)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == "7\n"


class TestWithoutSpace:
    def test_values_are_in_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "_preallocate", self._refuse)
        kept = PreallocatedDict(str(tmp_path / "counter_1.db"))
        for number in range(2_000):
            kept.write_value(f"key {number:060}", number, 0)
        assert kept.read_value(f"key {1_999:060}") == (1_999, 0)
        assert kept.read_value(f"key {0:060}") == (0, 0)
        assert list(tmp_path.iterdir()) == []
        kept.close()

    def test_a_file_that_cannot_grow_is_left(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        kept = PreallocatedDict(str(tmp_path / "counter_1.db"))
        kept.write_value("first", 7, 0)
        assert (tmp_path / "counter_1.db").stat().st_blocks * 512 >= FIRST_BYTES, "its blocks are not its own"
        monkeypatch.setattr(files, "_preallocate", self._refuse)
        for number in range(2_000):
            kept.write_value(f"key {number:060}", number, 0)
        assert kept.read_value("first") == (7, 0)
        assert kept.read_value(f"key {1_999:060}") == (1_999, 0)
        assert list(tmp_path.iterdir()) == [], "its values would never change again"
        assert caplog.text.count("missing from /metrics") == 1

    @staticmethod
    def _refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_damaged_file_is_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "counter_link.db"
    path.write_bytes(b"\xff" * FIRST_BYTES)
    kept = PreallocatedDict(str(path))
    kept.write_value("key", 7, 0)
    assert kept.read_value("key") == (7, 0)
    kept.close()
    assert "is damaged" in caplog.text


def test_a_file_grows_as_prometheus_clients_own_does(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    kept = PreallocatedDict(str(path))
    for number in range(2_000):
        kept.write_value(f'["key {number:060}"]', number, 0)
    kept.close()
    again = PreallocatedDict(str(path))
    assert again.read_value(f'["key {1_999:060}"]') == (1_999, 0)
    again.close()
    assert len(list(PreallocatedDict.read_all_values_from_file(str(path)))) == 2_000
