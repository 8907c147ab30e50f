"""A panel with the echo engines, and a client that checks each answer against the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from panel_harness import PanelHarness
from rest_harness import RestHarness

from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey


@pytest.fixture
def rest(processes: Processes, valkey: Valkey) -> Iterator[RestHarness]:
    panel = PanelHarness(processes, valkey, "eventlet")
    harness = RestHarness(panel)
    yield harness
    harness.close()
    panel.connection.close()
