"""The folder of kept files: its limits, whoever may read it, and a disk that is full."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rider_core.testing.small_disk import small_disk
from rider_core.web.kept_jobs.folder import KeptFolder

BLOCK = 4_096


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def everything(_name: str) -> bool:
    return True


def test_the_oldest_make_room(tmp_path: Path) -> None:
    folder = KeptFolder(tmp_path / "k", 60, 3 * BLOCK)
    for number in range(5):
        folder.put(f"job{number}.json", b"x" * 10)
    assert sorted(file.name for file in (tmp_path / "k").iterdir()) == ["job2.json", "job3.json", "job4.json"]
    folder.put("large.json", b"x" * (2 * BLOCK))
    assert [name in folder for name in ("job3.json", "job4.json", "large.json")] == [False, True, True]
    folder.put("huge.json", b"x" * (4 * BLOCK))
    assert "huge.json" not in folder
    assert "large.json" in folder, "what could never fit drives nothing away"


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    clock = Clock()
    folder = KeptFolder(tmp_path / "k", 60, 10 * BLOCK, clock)
    folder.put("a.json", b"old")
    clock.now += 59
    folder.put("b.json", b"new")
    assert folder.get("a.json") == b"old"
    clock.now += 1
    assert folder.get("a.json") is None
    assert [file.name for file in (tmp_path / "k").iterdir()] == ["b.json"]


def test_a_file_that_is_replaced_counts_once(tmp_path: Path) -> None:
    folder = KeptFolder(tmp_path / "k", 60, 2 * BLOCK)
    folder.put("a.json", b"1")
    for number in range(9):
        folder.put("b.json", str(number).encode())
    assert (folder.get("a.json"), folder.get("b.json")) == (b"1", b"8")


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        KeptFolder(tmp_path / "k", 60, 10 * BLOCK).put("a.heard.wav", b"private")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "k" / "a.heard.wav").stat().st_mode) == 0o600


def test_a_later_process_finds_them(tmp_path: Path) -> None:
    KeptFolder(tmp_path / "k", 60, 10 * BLOCK).put("a.heard.wav", b"sound")
    KeptFolder(tmp_path / "k", 60, 10 * BLOCK).put("b.json", b"view")
    (tmp_path / "k" / "c.json.1234.unfinished").write_bytes(b"half")
    (tmp_path / "k" / "notes of mine").write_bytes(b"not ours")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "k" / "link.json").symlink_to(tmp_path / "secret")
    folder = KeptFolder(tmp_path / "k", 60, 10 * BLOCK)
    folder.load(keep=lambda name: not name.endswith(".heard.wav"))
    assert (folder.get("a.heard.wav"), folder.get("b.json"), folder.get("link.json")) == (None, b"view", None)
    assert {file.name for file in (tmp_path / "k").iterdir()} == {"b.json", "link.json", "notes of mine"}
    later = KeptFolder(tmp_path / "k", 0, 10 * BLOCK)
    later.load(everything)
    assert not (tmp_path / "k" / "b.json").exists(), "switched off: what was kept goes"


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    folder = KeptFolder(tmp_path / "k", 60, 10 * BLOCK)
    folder.put("a.json", b"1")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "k" / "a.json").unlink()
    (tmp_path / "k" / "a.json").symlink_to(tmp_path / "secret")
    assert folder.get("a.json") is None


@pytest.mark.parametrize("name", ["../a.json", "a/b.json", ".json", "a", "a.json\n", "", "x" * 65 + ".json"])
def test_no_name_leads_out_of_it(tmp_path: Path, name: str) -> None:
    folder = KeptFolder(tmp_path / "k", 60, 10 * BLOCK)
    with pytest.raises(ValueError, match="no name of a kept file"):
        folder.put(name, b"x")
    assert folder.get(name) is None


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    with small_disk(tmp_path, 1024) as disk:
        folder = KeptFolder(disk / "k", 60, 100 << 20)
        folder.put("a.json", b"x")
        with pytest.raises(OSError, match="No space left"):
            folder.put("b.json", b"x" * (4 << 20))
        assert [file.name for file in (disk / "k").iterdir()] == ["a.json"]
        folder.put("c.json", b"x")
        assert folder.get("c.json") == b"x"
