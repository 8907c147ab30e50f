"""One row for each minute, on both databases, without SQLAlchemy."""

from __future__ import annotations

import json
import time

import pytest

from rider_core.database import Database
from rider_core.database.minutes import KEPT_S, Minute, averaged, read_minutes, write_minute
from rider_core.database.writing import execute
from rider_core.errors import DatabaseError


def minute(ts: int, **figures: float | None) -> Minute:
    values: dict[str, float | None] = {"done": 6, "bad": 0, "waiting": 2, "latency_s": 1.5, "cpu_pct": 10}
    return Minute(ts=ts, **{**values, "memory_pct": 40, **figures})  # type: ignore[arg-type]


def test_minutes_are_written_read_and_forgotten(database: Database, url: str) -> None:
    now = int(time.time()) // 60 * 60
    write_minute(url, minute(now - KEPT_S - 60))
    write_minute(url, minute(now - 60))
    write_minute(url, minute(now - 60, done=7))
    write_minute(url, minute(now, latency_s=None))
    assert read_minutes(url, 0) == [minute(now - 60, done=7), minute(now, latency_s=None)]
    assert read_minutes(url, now) == [minute(now, latency_s=None)]


def test_rows_of_the_version_before_have_no_figures_of_engines(database: Database, url: str) -> None:
    now = int(time.time()) // 60 * 60
    old = {"done": 6, "bad": 0, "waiting": 2, "latency_s": 1.5, "cpu_pct": 10, "memory_pct": 40}
    for ts, figures in ((now - 120, old), (now - 60, {**old, "unknown": 1}), (now, {"done": 1})):
        execute(url, [("INSERT INTO minutes (ts, figures) VALUES ({mark}, {mark})", (ts, json.dumps(figures)))])
    assert read_minutes(url, 0) == [minute(now - 120)]
    write_minute(url, minute(now, trips=2, breakers_open=1, gpu_pct=None))
    assert read_minutes(url, now) == [minute(now, trips=2, breakers_open=1)]


def test_a_database_without_the_table_is_named(url: str) -> None:
    with pytest.raises(DatabaseError, match="cannot be written"):
        write_minute(url, minute(0))


def test_longer_steps_have_means_and_the_most_that_waited() -> None:
    minutes = [minute(0, done=2, waiting=1, latency_s=None), minute(60, done=4, waiting=9), minute(120)]
    first, second = averaged(minutes, 120)
    assert (first.ts, first.done, first.waiting, first.latency_s) == (0, 3, 9, 1.5)
    assert second == minute(120)
    assert averaged([minute(0, latency_s=None)], 60)[0].latency_s is None
    (mixed,) = averaged([minute(0), minute(60, trips=3, breakers_open=2, gpu_pct=50), minute(120, trips=1)], 180)
    assert (mixed.trips, mixed.breakers_open, mixed.gpu_pct, mixed.cache_hits) == (2, 2, 50, None)
