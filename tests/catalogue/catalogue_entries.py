"""A model entry with one file, and a catalogue that has only this entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.model_server import noise, sha256

from rider_core.api.models import ModelEntry, PackageSource, UrlSource
from rider_core.catalogue import ModelCatalogue

BODY = noise(700_000)


def entry_of(*sources: UrlSource | PackageSource, body: bytes = BODY, **changes: Any) -> ModelEntry:
    values = {"name": "m", "filename": "m.bin", "size_bytes": len(body), "sha256": sha256(body), **changes}
    return ModelEntry(description="a model", licence="MIT", sources=sources, **values)


def catalogue_of(entry: ModelEntry, folder: Path, local: Path | None = None) -> ModelCatalogue:
    return ModelCatalogue({entry.name: entry}, folder, local, first_delay_s=0.01)


def installed_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
