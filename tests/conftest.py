"""The fixtures that several folders share."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rider_core.testing.processes import Processes
from rider_core.testing.redis_fixtures import connection, valkey, valkey_lender

#: Fixtures that start a server or processes of ours.
SERVERS = frozenset({"harness", "processes", "running_node", "valkey_lender", "workshop"})

#: Marks that are set in the test's own file, or in the file of a base class.
WRITTEN_MARKS = frozenset({"acceptance", "measures", "slow"})

__all__ = ["connection", "processes", "valkey", "valkey_lender"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip files without the mark that `-m` selects. Each process of xdist imports every collected file."""
    if not collection_path.name.startswith("test_"):
        return None
    wanted = WRITTEN_MARKS.intersection(config.getoption("markexpr").split(" and "))
    if not wanted:
        return None
    text = collection_path.read_text()
    may_have_them = re.search(r"^class Test\w*\(", text, re.MULTILINE) or all(f"mark.{mark}" in text for mark in wanted)
    return None if may_have_them else True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark the tests that need servers, so that `-m "not servers"` leaves them out, and let long ones begin first."""
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("servers")
    yield
    items.sort(key=lambda item: item.get_closest_marker("long") is None)  # after pytest-randomly's order


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.end_all()


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command that runs in this process sets up the logging of all of it."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler and handler not in handlers:
            root.removeHandler(handler)
