"""A file system of a few MB that a test may fill. Only root can mount one."""

from __future__ import annotations

import mmap
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, kilobytes: int, kind: str = "tmpfs", files: int = 0) -> Iterator[Path]:
    """Mount a small disk on `folder` while the block runs. Without permission the test is skipped, except on a CI.

    Args:
        kind: "tmpfs", or "ext4" (in a file).
        files: Maximum number of files on the tmpfs, its root included; 0: no limit.
    """
    with tempfile.TemporaryDirectory() as place:
        if kind == "tmpfs":
            _mount("-t", "tmpfs", "-o", f"size={kilobytes}k,nr_inodes={files}", "tmpfs", str(folder))
        else:
            image = Path(place) / "image"
            with image.open("wb") as file:
                file.truncate(kilobytes << 10)
            # Without reserved blocks: root could otherwise write to a disk that is full for others. With blocks of a
            # page's size, as on every disk over 512 MB: SQLite allocates its index in pages, and where a page has a
            # block that the full disk lacks, the next write to it ends the process (SIGBUS).
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-b", str(mmap.PAGESIZE), str(image)], check=True)
            _mount("-o", "loop", str(image), str(folder))
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_read_only(folder: Path) -> None:
    """As the kernel does it where a disk has begun to fail."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def fill(folder: Path, left: int = 0) -> Path:
    """Take what room is left on the disk, but `left` bytes of it. The file that has it."""
    balloon = folder / "balloon"
    with balloon.open("ab", buffering=0) as file:
        for piece in (1 << 14, 1):
            try:
                while file.write(bytes(piece)):
                    pass
            except OSError:
                continue
        if left:
            file.truncate(file.tell() - left)
    return balloon


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0 and os.environ.get("CI") == "true":
        pytest.fail(done.stderr)
    if done.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
