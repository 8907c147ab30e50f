"""A whole house for these tests: Valkey, a worker with real and made-up engines, and the panel in both async modes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai_house import House


@pytest.fixture(scope="session", params=["eventlet", "threading"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory, request.param)
    try:
        house.start()
        yield house
    finally:
        house.end()
