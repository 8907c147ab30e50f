"""The server of the tests: the fake one, or the real one in `OLLAMA_HOST`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from fake_ollama import FakeOllama
from ollama_harness import make_provider
from rider_text_ollama import OllamaTextGenerator

REAL_HOST = os.environ.get("OLLAMA_HOST")


@pytest.fixture(scope="session")
def _fake_ollama() -> Iterator[FakeOllama]:
    server = FakeOllama()
    yield server
    server.close()


@pytest.fixture
def fake_ollama(_fake_ollama: FakeOllama) -> Iterator[FakeOllama]:
    """The fake server without any fault."""
    if REAL_HOST:
        pytest.skip("OLLAMA_HOST is set, and this test needs the fake server")
    _fake_ollama.mend()
    yield _fake_ollama
    _fake_ollama.mend()


@pytest.fixture
def provider(fake_ollama: FakeOllama) -> Iterator[OllamaTextGenerator]:
    provider = make_provider(fake_ollama.url)
    provider.open()
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """The real server where there is one, otherwise the fake one."""
    url: str = REAL_HOST or request.getfixturevalue("_fake_ollama").url
    return url
