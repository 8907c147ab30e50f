"""Outages from events: in any order, by silence, over a new start of the panel, and while the database is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rider_core.api import Event
from rider_core.database import Database
from rider_core.database.outages import Outage, read_outages
from rider_core.web.outages import OutageRecorder
from rider_core.web.panel_state import PanelState


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'rider.db'}"
    database = Database(url)
    database.upgrade()
    database.close()
    return url


@pytest.fixture
def clock() -> Clock:
    return Clock()


def recorder(url: str, clock: Clock) -> OutageRecorder:
    return OutageRecorder(url, PanelState(), clock)


def link(ts: float, **data: Any) -> Event:
    return Event(kind="robot.link", ts=ts, data=data)


def status(ts: float, role: str = "link", **data: Any) -> Event:
    return Event(kind="process.status", ts=ts, data={"role": role, "state": "up", **data})


def test_an_outage_has_the_times_of_its_events(url: str, clock: Clock) -> None:
    outages = recorder(url, clock)
    outages.record([link(12, channels={"bus": "", "http": "gone"}), link(10, channels={"bus": "cut", "http": ""})])
    assert read_outages(url) == [Outage("http", 12, None, "gone"), Outage("bus", 10, 12, "cut")]
    outages.record([status(15, channels={"bus": "", "http": ""}), link(11, channels={"http": "late"})])
    assert read_outages(url) == [Outage("http", 12, 15, "gone"), Outage("bus", 10, 12, "cut")]


@pytest.mark.parametrize("channels", [None, [], "bus", {"bus": 7}, {"other": "x"}, {}])
def test_odd_events_begin_nothing(url: str, clock: Clock, channels: object) -> None:
    recorder(url, clock).record([link(10, channels=channels), Event(kind="robot.link", ts=11)])
    assert read_outages(url) == []


def test_a_panel_that_starts_again_ends_what_it_finds(url: str, clock: Clock) -> None:
    recorder(url, clock).record([link(10, channels={"bus": "cut"})])
    recorder(url, clock).record([link(30, channels={"bus": ""})])
    assert read_outages(url) == [Outage("bus", 10, 30, "cut")]


def test_a_link_that_stops_or_falls_silent_is_away(url: str, clock: Clock) -> None:
    outages = recorder(url, clock)
    outages.record([status(1_000), status(1_003, state="stopped")])
    outages.record([status(1_010)])
    (first,) = read_outages(url)
    assert (first.what, first.begin_ts, first.end_ts) == ("link", 1_003, 1_010)
    clock.now = 1_300.0  # Redis was away: no event came for five minutes
    outages.record([status(1_300, "panel")])
    assert len(read_outages(url)) == 1
    for _ in range(3):
        clock.now += 5
        outages.record([status(clock.now, "panel")])
    assert read_outages(url)[0] == Outage("link", 1_010, None, "its process does not answer")
    outages.record([status(1_320)])
    assert read_outages(url)[0].end_ts == 1_320


def test_a_database_that_is_away_gets_them_later(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'rider.db'}"
    Path(tmp_path / "rider.db").write_bytes(b"")
    outages = recorder(url, clock)
    outages._open = {}
    outages.record([link(10, channels={"bus": "cut"})])
    database = Database(url)
    database.upgrade()
    database.close()
    outages.record([status(11, "panel")])
    assert read_outages(url) == [Outage("bus", 10, None, "cut")]
