"""The figures of a minute that come from the metrics of all processes."""

from __future__ import annotations

from rider_core.metrics import ANSWER_CACHE, BREAKER_STATE, BREAKER_TRIPS
from rider_core.web.minute_figures import EngineFigures, EngineMetrics


def test_figures_are_what_grew_since_the_last_reading() -> None:
    BREAKER_TRIPS.labels("minute-a").inc(3)
    engines = EngineMetrics()
    assert engines.read() is None, "nothing is before the first reading"
    before = engines.read()
    assert before is not None
    assert before[1:] == (0, 0, 0)
    BREAKER_TRIPS.labels("minute-a").inc()
    BREAKER_TRIPS.labels("minute-b").inc()
    BREAKER_STATE.labels("minute-a").set(2)
    BREAKER_STATE.labels("minute-b").set(1)
    ANSWER_CACHE.labels("hit").inc(2)
    ANSWER_CACHE.labels("miss").inc()
    ANSWER_CACHE.labels("stored").inc(9)
    try:
        assert engines.read() == EngineFigures(before.breakers_open + 1, 2, 2, 1)
    finally:
        BREAKER_STATE.labels("minute-a").set(0)


def test_a_total_that_begins_again_is_what_it_has() -> None:
    engines = EngineMetrics()
    engines.read()
    engines._before = {"trips": 1e9, "hit": 1e9, "miss": 1e9}
    found = engines.read()
    assert found is not None
    assert 0 <= found.cache_hits < 1e9
