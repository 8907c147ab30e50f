"""The servers of these tests: Valkey, a worker with real and fake engines, and the panel in both async modes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai_harness import OpenAIHarness


@pytest.fixture(scope="session", params=["eventlet", "threading"])
def harness(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAIHarness]:
    harness = OpenAIHarness(tmp_path_factory, request.param)
    try:
        harness.start()
        yield harness
    finally:
        harness.end()
