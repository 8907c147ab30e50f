"""A cache of files' digests, so that a large file is read once and not at every start."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rider_core.catalogue.digests import file_sha256

#: Maximum number of files. When it is reached, the cache is cleared.
MAX_FILES = 1_000


class _FileStamp(NamedTuple):
    """Size, time and inode of a file: at least one changes with its content."""

    size_bytes: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> _FileStamp:
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino)


class KnownDigest(NamedTuple):
    """A SHA-256 in hex, and when the file was read, in seconds since the epoch; None: unknown."""

    digest: str
    read_ts: float | None


class DigestCache:
    """The cache in a file: for each path the file's stamp, its digest, and when it was read.

    Of two processes that write at the same time, one entry is lost and computed again.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def sha256(self, path: Path) -> str:
        """The digest of the file's current content. Raises `OSError`."""
        known = self.known(path)
        return known.digest if known else self.read_again(path)

    def known(self, path: Path) -> KnownDigest | None:
        """The digest, if the file has not changed since it was read. Raises `OSError`."""
        stamp, known = _FileStamp.of(path), self._read().get(str(path))
        if isinstance(known, list) and len(known) >= 4 and known[:3] == list(stamp):
            # Version 0.1 wrote no time.
            return KnownDigest(str(known[3]), float(known[4]) if len(known) > 4 else None)
        return None

    def read_again(self, path: Path, report: Callable[[int], None] = lambda _: None) -> str:
        """Read the whole file. `report` gets the bytes read so far. Raises `OSError`."""
        stamp = _FileStamp.of(path)
        digest = file_sha256(path, report)
        if _FileStamp.of(path) == stamp:
            self._write(path, [*stamp, digest, time.time()])
        return digest

    def put(self, path: Path, digest: str) -> None:
        """Add a file that was just written and read. Raises `OSError`."""
        self._write(path, [*_FileStamp.of(path), digest, time.time()])

    def _read(self) -> dict[str, object]:
        with suppress(OSError, ValueError, RecursionError):
            known = json.loads(self._file.read_bytes())
            if isinstance(known, dict):
                return known
        return {}

    def _write(self, path: Path, stamp: list[object]) -> None:
        """Add an entry. If the cache cannot be written, the digest is computed again the next time."""
        known = self._read()
        if len(known) >= MAX_FILES:
            known = {}
        known[str(path)] = stamp
        unfinished = self._file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(known))
            unfinished.replace(self._file)
