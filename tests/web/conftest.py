"""The panel in both async modes, and browsers that watch it. Subfolders import the modules beside this file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from chromium import shown_problems
from panel_harness import PanelHarness, Watch, Watcher

from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Prepend the problems shown on the open pages to the message of a failed test."""
    report = yield
    browser = item.funcargs.get("browser")
    crash = getattr(report.longrepr, "reprcrash", None)
    if report.when == "call" and report.failed and browser is not None and crash is not None:
        crash.message = f"the pages say {shown_problems(browser)}; {crash.message}"
    return report


@pytest.fixture(params=["eventlet", "threading"])
def panel(request: pytest.FixtureRequest, processes: Processes, valkey: Valkey) -> Iterator[PanelHarness]:
    panel = PanelHarness(processes, valkey, request.param)
    yield panel
    panel.connection.close()


@pytest.fixture
def watch(panel: PanelHarness) -> Iterator[Watch]:
    """Opens browsers on the panel, and closes them."""
    opened: list[Watcher] = []

    def open_one(**options: Any) -> Watcher:
        opened.append(Watcher(panel.url, **options))
        return opened[-1]

    yield open_one
    for watcher in opened:
        watcher.close()
