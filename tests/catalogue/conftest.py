"""The server that the catalogue's tests fetch from, and the folder for models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.model_server import FileServer, Registry


@pytest.fixture
def server() -> Iterator[FileServer]:
    started = FileServer()
    yield started
    started.close()


@pytest.fixture
def registry(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple/")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{server.url}/npm")
    return Registry(server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"
