"""A folder of small files that are kept for a time, and together no larger than a limit: the oldest ones make room."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

from rider_core.web.serving.native_threads import in_native_thread

#: What a file costs on the disk at least, in bytes.
_BLOCK_BYTES = 4_096
#: Most files, whatever the limit in bytes is: each costs some 200 bytes of memory.
MAX_FILES = 20_000
#: A job's id, and what the file has of it. No name leads out of the folder.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}(\.[a-z]+){1,2}")
_UNFINISHED = ".unfinished"


class _File(NamedTuple):
    written_ts: float
    disk_bytes: int


class KeptFolder:
    """All methods may be called from several threads."""

    def __init__(self, folder: Path, max_age_s: float, max_bytes: int, now: Callable[[], float] = time.time) -> None:
        """
        Args:
            folder: Made with the first file.
            max_age_s: 0: nothing is kept.
            max_bytes: 0: nothing is kept.
            now: Seconds since the epoch.
        """
        self._folder = folder
        self._max_age_s = max_age_s
        self._max_bytes = max_bytes
        self._now = now
        self._lock = threading.Lock()
        #: The oldest first.
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._bytes = 0

    def load(self, keep: Callable[[str], bool]) -> None:
        """Find the files that an earlier process has written; remove those that are too old or too many.

        Args:
            keep: Whether a file of this name may stay.
        """
        found = []
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(_UNFINISHED) or (_NAME.fullmatch(entry.name) and not keep(entry.name)):
                    _remove(Path(entry.path))
                elif _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    about = entry.stat(follow_symlinks=False)
                    found.append((about.st_mtime, entry.name, about.st_size))
        with self._lock:
            for written_ts, name, size in sorted(found):
                self._add(name, size, written_ts)
            self._remove_surplus()

    def put(self, name: str, content: bytes) -> None:
        """Write a file, or replace it. Atomic; only the owner can read it.

        Raises:
            OSError: the disk is full, or the folder cannot be written. Nothing is left behind.
            ValueError: the name is none for this folder.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a kept file")
        if self._max_age_s <= 0 or _on_disk(len(content)) > self._max_bytes:
            return
        in_native_thread(_write, self._folder, name, content)
        with self._lock:
            self._drop(name)
            self._add(name, len(content), self._now())
            self._remove_surplus()

    def get(self, name: str) -> bytes | None:
        """A file's content; None: it is not kept, or cannot be read."""
        self.sweep()
        if name not in self:
            return None
        try:
            return in_native_thread(_read, self._folder / name)
        except OSError:  # the file was deleted by other means
            self.remove(name)
            return None

    def __contains__(self, name: str) -> bool:
        with self._lock:
            return name in self._files

    def remove(self, name: str) -> None:
        """Remove a file; nothing where there is none."""
        with self._lock:
            if self._drop(name):
                _remove(self._folder / name)

    def sweep(self) -> None:
        """Remove what is too old."""
        with self._lock:
            self._remove_surplus()

    def _add(self, name: str, size: int, written_ts: float) -> None:
        file = self._files[name] = _File(written_ts, _on_disk(size))
        self._bytes += file.disk_bytes

    def _drop(self, name: str) -> bool:
        file = self._files.pop(name, None)
        if file is not None:
            self._bytes -= file.disk_bytes
        return file is not None

    def _remove_surplus(self) -> None:
        oldest_ts = self._now() - self._max_age_s
        while self._files:
            name, file = next(iter(self._files.items()))
            is_old = file.written_ts <= oldest_ts
            if not is_old and self._bytes <= self._max_bytes and len(self._files) <= MAX_FILES:
                return
            self._drop(name)
            _remove(self._folder / name)


def _on_disk(size: int) -> int:
    return -(-max(size, 1) // _BLOCK_BYTES) * _BLOCK_BYTES


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f"{name}.{token_hex(4)}{_UNFINISHED}"
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(content)
        unfinished.replace(folder / name)
    except OSError:
        _remove(unfinished)
        raise


def _read(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
