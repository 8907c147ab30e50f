"""Figures of a minute that stand in metrics: circuit breakers, cached answers, and graphics processors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import Metric

from rider_core.metrics.definitions import GPU_BUSY, GPU_MEMORY, GPU_MEMORY_SIZE
from rider_core.metrics.exposition import SharedMetrics
from rider_core.metrics.families import FAMILIES
from rider_core.web.metrics.machine import GpuMetrics

_TRIPS = FAMILIES["rider_breaker_trips_total"]
_STATE = FAMILIES["rider_breaker_state"]
_CACHE = FAMILIES["rider_answer_cache_total"]
#: The value of an open circuit in the metric of breakers' states.
_OPEN = 2


class EngineFigures(NamedTuple):
    """
    Attributes:
        breakers_open: Providers whose circuit is open now.
        trips: How often circuits opened since the last reading.
        cache_hits, cache_misses: Answers of language models since then that were in the cache, and that were not.
    """

    breakers_open: float
    trips: float
    cache_hits: float
    cache_misses: float


class EngineMetrics:
    """Reads what all processes count, and tells how much that grew since the last reading."""

    def __init__(self) -> None:
        self._source = SharedMetrics()
        self._before: dict[str, float] | None = None

    def read(self) -> EngineFigures | None:
        """None: the first reading, which nothing is before."""
        totals, breakers_open = _totals(self._source.collect())
        before, self._before = self._before, totals
        if before is None:
            return None
        # A total that is smaller than before began again with its process.
        grown = {
            name: total - before.get(name, 0.0) if total >= before.get(name, 0.0) else total
            for name, total in totals.items()
        }
        return EngineFigures(breakers_open, grown["trips"], grown["hit"], grown["miss"])


def _totals(metrics: Iterable[Metric]) -> tuple[dict[str, float], float]:
    totals = {"trips": 0.0, "hit": 0.0, "miss": 0.0}
    breakers_open = 0.0
    for metric in metrics:
        if metric.name not in (_TRIPS.base, _STATE.base, _CACHE.base):
            continue
        for sample in metric.samples:
            if sample.name == _TRIPS.name:
                totals["trips"] += sample.value
            elif sample.name == _CACHE.name and sample.labels["outcome"] in totals:
                totals[sample.labels["outcome"]] += sample.value
            elif sample.name == _STATE.name:
                breakers_open += sample.value == _OPEN
    return totals, breakers_open


class GpuSamples:
    """Samples the graphics processors, several times a minute: each tells of the last second only."""

    def __init__(self) -> None:
        self._metrics = GpuMetrics()
        self._samples: list[tuple[float, float]] = []

    def look(self) -> None:
        """Take a sample, where there is a GPU."""
        by_name = {metric.name: [it.value for it in metric.samples] for metric in self._metrics.collect()}
        busy, size = by_name.get(GPU_BUSY.name, []), sum(by_name.get(GPU_MEMORY_SIZE.name, []))
        if busy and size:
            used = sum(by_name.get(GPU_MEMORY.name, []))
            self._samples.append((100 * sum(busy) / len(busy), 100 * used / size))

    def mean(self) -> tuple[float | None, float | None]:
        """Percent busy and percent of memory in use since the last call, over all GPUs; None: there is none."""
        samples, self._samples = self._samples, []
        if not samples:
            return None, None
        busy, memory = zip(*samples, strict=True)
        return round(sum(busy) / len(samples), 1), round(sum(memory) / len(samples), 1)
