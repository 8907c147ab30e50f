"""The model catalogue: the known models, their files on this machine, and fetching them."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path

from rider_core.api.models import ModelEntry, UrlSource
from rider_core.catalogue.digest_cache import DigestCache
from rider_core.catalogue.digests import Progress
from rider_core.catalogue.disk import check_space, disk_full, free_bytes, needed_bytes, stored_bytes
from rider_core.catalogue.locking import file_lock
from rider_core.errors import Conflict, ModelError

log = logging.getLogger(__name__)

#: Allowed names of files and models: they cannot lead out of the folder, and cannot be hidden files.
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class ModelState(str, Enum):
    MISSING = "missing"
    INSTALLED = "installed"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class ModelStatus:
    """The state of a model's file, judged by its size, and by its digest if that is known. `verify` reads the content.

    Attributes:
        path: The file, also if it is damaged. None: there is none.
        size_bytes: Of that file; 0 if there is none.
        local: The file is in the user's own folder (`RIDER_MODEL_PATH`), and is never changed or removed.
        damage: What is wrong with the file; empty: nothing is known to be.
        verified_ts: When its content was read last and was right, in seconds since the epoch. None: unknown.
        partial_bytes: Size of what an unfinished pull has fetched.
    """

    entry: ModelEntry
    state: ModelState
    path: Path | None = None
    size_bytes: int = 0
    local: bool = False
    damage: str = ""
    verified_ts: float | None = None
    partial_bytes: int = 0


class ModelCatalogue:
    """The files of the models that plugins registered.

    Args:
        entries: By name, as the plugins registered them.
        models_dir: Folder for fetched models. It is created with the first one.
        local_path: A folder of the user's: a file there with an entry's filename is used in place. None: none.
        first_delay_s: Wait before the second attempt of a download.
    """

    def __init__(
        self,
        entries: Mapping[str, ModelEntry],
        models_dir: Path,
        local_path: Path | None,
        *,
        first_delay_s: float = 0.5,
    ) -> None:
        self._entries = dict(entries)
        self._models_dir = models_dir
        self._local_path = local_path
        self._first_delay_s = first_delay_s
        self._digests = DigestCache(models_dir / ".digests.json")

    def entries(self) -> tuple[ModelEntry, ...]:
        return tuple(self._entries.values())

    def entry(self, name: str) -> ModelEntry:
        """Raises `ModelError` if no plugin registered this model."""
        try:
            return self._entries[name]
        except KeyError:
            raise ModelError(f"there is no model {name[:80]!r}", remedy="see `rider models list`") from None

    @property
    def folder(self) -> Path:
        """Where fetched models are stored. It may not exist yet."""
        return self._models_dir

    def free_bytes(self) -> int:
        """Free space for models. Raises `OSError`."""
        return free_bytes(self._models_dir)

    def status(self, name: str) -> ModelStatus:
        entry = self.entry(name)
        partial_bytes = stored_bytes(self._fetch_folder(entry))
        for folder, local in ((self._local_path, True), (self._models_dir, False)):
            path = folder / _safe_name(entry.filename) if folder else None
            if path is not None and path.is_file():
                size_bytes = path.stat().st_size
                damage, verified_ts = self._known_damage(entry, path, size_bytes)
                state = ModelState.DAMAGED if damage else ModelState.INSTALLED
                return ModelStatus(entry, state, path, size_bytes, local, damage, verified_ts, partial_bytes)
        return ModelStatus(entry, ModelState.MISSING, partial_bytes=partial_bytes)

    def path(self, name: str) -> Path:
        """The model's file.

        Raises:
            ModelError: it is not installed, or has a wrong size.
        """
        status = self.status(name)
        if status.path is None:
            raise ModelError(f"model {name!r} is not installed", remedy=_pull_command(name))
        if status.state is not ModelState.INSTALLED:
            raise self._damaged(status, status.damage)
        return status.path

    def verified_path(self, name: str) -> Path:
        """The model's file with a verified checksum. The content is read only if the file has changed since.

        Raises:
            ModelError: it is not installed, or is damaged.
        """
        path = self.path(name)
        entry = self.entry(name)
        try:
            digest = self._digests.sha256(path)
        except OSError as error:
            raise ModelError(f"model {name!r} cannot be read: {path}: {error.strerror}") from None
        if digest not in _accepted_digests(entry):
            raise self._damaged(self.status(name), _wrong_digest(entry, digest))
        return path

    def verify(self, name: str, progress: Progress = lambda phase, done, total: None) -> Path:
        """Read the whole file and compare its SHA-256.

        Raises:
            ModelError: it is missing, or its content is wrong.
        """
        entry, status = self.entry(name), self.status(name)
        # A digest that was wrong is computed again.
        path = status.path if status.path and status.size_bytes == entry.size_bytes else self.path(name)
        phase = f"verifying {entry.filename}"
        digest = self._digests.read_again(path, lambda done: progress(phase, done, entry.size_bytes))
        if digest not in _accepted_digests(entry):
            raise self._damaged(self.status(name), _wrong_digest(entry, digest))
        return path

    def remove(self, name: str, *, wait: bool = True) -> bool:
        """Delete the fetched file and the rest of an unfinished pull. False: there was neither.

        Args:
            wait: Wait for a pull of another process to end.

        Raises:
            Conflict: it is being pulled, and `wait` is false.
        """
        entry = self.entry(name)
        stored = self._models_dir / _safe_name(entry.filename)
        fetch = self._fetch_folder(entry)
        if not stored.exists() and not fetch.exists():
            return False

        def busy() -> None:
            if not wait:
                raise Conflict(f"model {name!r} is being downloaded by another process", remedy="wait for its end")

        with file_lock(self._lock_file(entry), busy):
            stored.unlink(missing_ok=True)
            shutil.rmtree(fetch, ignore_errors=True)
        return True

    def check_space(self, name: str) -> None:
        """Raise `ModelError` if the disk has no room for a pull from the model's first source."""
        entry = self.entry(name)
        for source in entry.sources[:1]:
            check_space(entry, self._fetch_folder(entry), needed_bytes(entry, source))

    def pull(self, name: str, progress: Progress = lambda phase, done, total: None) -> Path:
        """Fetch the model if it is not installed, and return its path. An interrupted pull is resumed.

        Raises:
            ModelError: no source could deliver it, the disk is too full, or the local file is damaged.
        """
        entry = self.entry(name)
        if self.status(name).local:
            return self.path(name)
        try:
            self._models_dir.mkdir(parents=True, exist_ok=True)
            waiting = f"waiting for another pull of {name}"
            with file_lock(self._lock_file(entry), lambda: progress(waiting, 0, entry.size_bytes)):
                return self._pull_locked(entry, progress)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise disk_full(entry, self._models_dir) from None
            raise ModelError(f"model {name!r} cannot be stored in {self._models_dir}: {error}") from None

    def _pull_locked(self, entry: ModelEntry, progress: Progress) -> Path:
        stored = self._models_dir / _safe_name(entry.filename)
        if stored.exists():
            try:
                return self.verify(entry.name, progress)
            except ModelError as error:
                log.warning("%s; it is fetched again", error.message)
        # Imported here: only a pull needs an HTTP client, and a worker must stay small.
        fetching = import_module("rider_core.catalogue.fetching")
        fetched, digest = fetching.fetch(entry, self._fetch_folder(entry), progress, self._first_delay_s)
        _move_into_place(fetched, stored)
        self._digests.put(stored, digest)
        shutil.rmtree(self._fetch_folder(entry), ignore_errors=True)
        return stored

    def _known_damage(self, entry: ModelEntry, path: Path, size_bytes: int) -> tuple[str, float | None]:
        """What is wrong with the file, and when it was last verified."""
        if size_bytes != entry.size_bytes:
            return f"has {size_bytes} bytes, not {entry.size_bytes}", None
        known = self._digests.known(path)
        if known is None:
            return "", None
        if known.digest not in _accepted_digests(entry):
            return _wrong_digest(entry, known.digest), None
        return "", known.read_ts

    def _fetch_folder(self, entry: ModelEntry) -> Path:
        return self._models_dir / ".fetch" / _safe_name(entry.name)

    def _lock_file(self, entry: ModelEntry) -> Path:
        return self._models_dir / f".{_safe_name(entry.name)}.lock"

    @staticmethod
    def _damaged(status: ModelStatus, what: str) -> ModelError:
        name = status.entry.name
        remedy = "put the right file there, or remove it" if status.local else _pull_command(name)
        return ModelError(f"model {name!r} is damaged: {status.path} {what}", remedy=remedy)


def _pull_command(name: str) -> str:
    return f"rider models pull {name}"


def _safe_name(name: str) -> str:
    """`name` if it is safe as a file's name. Plugins choose these names."""
    if not _SAFE_NAME.fullmatch(name):
        raise ModelError(f"{name[:80]!r} is not fit for a file's name: letters, digits, dots, dashes, underscores")
    return name


def _wrong_digest(entry: ModelEntry, digest: str) -> str:
    return f"has the SHA-256 {digest}, not {entry.sha256}"


def _accepted_digests(entry: ModelEntry) -> frozenset[str]:
    own = {source.sha256 for source in entry.sources if isinstance(source, UrlSource) and source.sha256}
    return frozenset({entry.sha256, *own})


def _move_into_place(fetched: Path, stored: Path) -> None:
    """Move the finished file into place atomically, and sync it to the disk."""
    with fetched.open("rb") as file:
        os.fsync(file.fileno())
    fetched.replace(stored)
    folder = os.open(stored.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
