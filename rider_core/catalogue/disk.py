"""Checks the disk space for a model's files."""

from __future__ import annotations

import shutil
from pathlib import Path

from rider_core.api.models import ModelEntry
from rider_core.errors import ModelError

#: Left free on the disk beyond what the fetched files need.
_SPARE_BYTES = 32 << 20


class DiskFull(ModelError):
    """The disk is full: another source cannot help."""


def check_space(entry: ModelEntry, folder: Path, needed_bytes: int) -> None:
    present = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    if shutil.disk_usage(folder).free + present < needed_bytes + _SPARE_BYTES:
        raise disk_full(entry, folder, needed_bytes)


def disk_full(entry: ModelEntry, folder: Path, needed_bytes: int = 0) -> DiskFull:
    free = shutil.disk_usage(folder).free
    wanted = f"model {entry.name!r} needs {max(needed_bytes, entry.size_bytes) >> 20} MB"
    return DiskFull(
        f"{wanted}, the disk of {folder} has {free >> 20} MB free",
        remedy="free some space, or set RIDER_DATA_DIR to a larger disk",
    )
