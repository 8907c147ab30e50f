"""Outages on both databases: written, ended, and the oldest forgotten."""

from __future__ import annotations

import pytest

from rider_core.database import Database, outages
from rider_core.database.outages import Outage, open_outages, read_outages, write_outages
from rider_core.errors import DatabaseError


def test_outages_begin_end_and_are_forgotten(database: Database, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "KEPT", 3)
    bus = Outage("bus", 10.5, None, "why\x00" + "x" * 300)
    write_outages(url, [bus, Outage("http", 11, 12.25, "gone")])
    assert [(it.what, it.end_ts) for it in read_outages(url)] == [("http", 12.25), ("bus", None)]
    (still,) = open_outages(url)
    assert (still.begin_ts, still.why[:4], len(still.why)) == (10.5, "why\ufffd", 200)
    write_outages(url, [bus._replace(end_ts=20.0)])
    assert open_outages(url) == []
    write_outages(url, [Outage("link", ts, ts + 1, "") for ts in (30, 40)])
    assert [it.begin_ts for it in read_outages(url, 10)] == [40, 30, 11]


def test_a_database_without_the_table_is_named(url: str) -> None:
    with pytest.raises(DatabaseError, match="cannot be written"):
        write_outages(url, [Outage("bus", 1, None, "")])
