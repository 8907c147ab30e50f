"""The server that the tests talk to: the stand-in, or the real one that `OLLAMA_HOST` names."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from ollama_in_tests import made
from ollama_stand_in import StandIn
from rider_text_ollama import OllamaTextGenerator

REAL_HOST = os.environ.get("OLLAMA_HOST")


@pytest.fixture(scope="session")
def _stand_in() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.close()


@pytest.fixture
def stand_in(_stand_in: StandIn) -> Iterator[StandIn]:
    """A stand-in without any fault. Never the real server: what is done to it here no real one does."""
    if REAL_HOST:
        pytest.skip("OLLAMA_HOST is set: only what a real server does as well is tried")
    _stand_in.mend()
    yield _stand_in
    _stand_in.mend()


@pytest.fixture
def provider(stand_in: StandIn) -> Iterator[OllamaTextGenerator]:
    provider = made(stand_in.url)
    provider.open()
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """The real server where there is one, otherwise the stand-in."""
    url: str = REAL_HOST or request.getfixturevalue("_stand_in").url
    return url
