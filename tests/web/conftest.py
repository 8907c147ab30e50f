"""The panel in both async modes, and browsers that watch it. Folders below import what is beside this file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from panel_stage import PanelStage, Watch, Watcher

from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey


@pytest.fixture(params=["eventlet", "threading"])
def stage(request: pytest.FixtureRequest, processes: Processes, valkey: Valkey) -> Iterator[PanelStage]:
    stage = PanelStage(processes, valkey, request.param)
    yield stage
    stage.connection.close()


@pytest.fixture
def watch(stage: PanelStage) -> Iterator[Watch]:
    """Opens browsers on the stage's panel, and closes them."""
    opened: list[Watcher] = []

    def open_one(**options: Any) -> Watcher:
        opened.append(Watcher(stage.url, **options))
        return opened[-1]

    yield open_one
    for watcher in opened:
        watcher.close()
