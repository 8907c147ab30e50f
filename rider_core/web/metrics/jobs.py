"""The job engine's metrics, read from the job backend at each scrape."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.registry import Collector

from rider_core.api.job_backend import COUNTERS, JobBackend, QueueStats, TaskFigures
from rider_core.errors import BackendUnavailable
from rider_core.metrics import definitions

_STATES = ("waiting", "scheduled", "running", "failed")
_DURATIONS = {
    "waited": definitions.JOB_WAITED,
    "ran": definitions.JOB_RAN,
    "took": definitions.JOB_TOOK,
}


class JobMetrics(Collector):
    """Counters, gauges and histograms of one job backend; empty while it cannot be read: old values look current."""

    def __init__(self, backend: JobBackend) -> None:
        self._backend = backend

    def collect(self) -> Iterable[Metric]:
        try:
            stats, figures = self._backend.stats(), self._backend.figures()
        except BackendUnavailable:
            return ()
        return [*_of_queues(stats), *_of_tasks(figures)]

    def describe(self) -> Iterable[Metric]:
        """Empty, so that registering the collector does not read the backend."""
        return ()


def _of_queues(stats: list[QueueStats]) -> Iterable[Metric]:
    yield definitions.JOBS.metric({(it.queue, state): getattr(it, state) for it in stats for state in _STATES})
    yield definitions.JOBS_OLDEST.metric({(it.queue,): it.oldest_s or 0.0 for it in stats})
    yield definitions.WORKERS.metric({(it.queue,): it.workers for it in stats})


def _of_tasks(figures: list[TaskFigures]) -> Iterable[Metric]:
    yield definitions.JOB_EVENTS.metric(
        {(it.task, it.queue, event): getattr(it, event) for it in figures for event in COUNTERS}
    )
    for field, family in _DURATIONS.items():
        metric = family.metric()
        for it in figures:
            histogram = getattr(it, field)
            family.add_histogram(metric, (it.task, it.queue), histogram.counts, histogram.sum_s, histogram.bounds_s)
        yield metric
