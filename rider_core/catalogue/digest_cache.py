"""Digests that are known already, so that a large file is read once and not at every start."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rider_core.catalogue.digests import file_sha256

#: Files that are remembered; beyond that it is begun anew.
MAX_FILES = 1_000


class _FileStamp(NamedTuple):
    """What changes when a file's content does."""

    size_bytes: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> _FileStamp:
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino)


class DigestCache:
    """Kept in a file that several processes may write: one of two that write at once is forgotten, and read again."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def sha256(self, path: Path) -> str:
        """Of the file's content, as it is now. Raises `OSError`."""
        stamp = _FileStamp.of(path)
        known = self._read().get(str(path))
        if isinstance(known, list) and len(known) == 4 and known[:3] == list(stamp):
            return str(known[3])
        digest = file_sha256(path)
        if _FileStamp.of(path) == stamp:
            self._write(path, [*stamp, digest])
        return digest

    def _read(self) -> dict[str, object]:
        with suppress(OSError, ValueError, RecursionError):
            known = json.loads(self._file.read_bytes())
            if isinstance(known, dict):
                return known
        return {}

    def _write(self, path: Path, stamp: list[object]) -> None:
        """Where it cannot be written, the file is read again the next time."""
        known = self._read()
        if len(known) >= MAX_FILES:
            known = {}
        known[str(path)] = stamp
        unfinished = self._file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(known))
            unfinished.replace(self._file)
