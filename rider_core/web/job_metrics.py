"""The job engine's metrics in Prometheus's format, read from the job backend at each scrape."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from rider_core.api.job_backend import COUNTERS, Histogram, JobBackend, QueueStats, TaskFigures

_DURATIONS = (
    ("waited", "rider_job_waited_seconds", "From a job's submission, or its due time, to its first start."),
    ("ran", "rider_job_ran_seconds", "From each start of a job to its end."),
    ("took", "rider_job_took_seconds", "From a job's submission to its result."),
)


class JobMetrics(Collector):
    """Counters, gauges and histograms of one job backend."""

    def __init__(self, backend: JobBackend) -> None:
        self._backend = backend

    def collect(self) -> Iterable[Metric]:
        """Raises `BackendUnavailable` if the backend cannot be read: stale values would look like current ones."""
        yield from _of_queues(self._backend.stats())
        yield from _of_tasks(self._backend.figures())

    def describe(self) -> Iterable[Metric]:
        """Empty, so that registering the collector does not read the backend."""
        return ()


def job_exposition(backend: JobBackend) -> bytes:
    """The text that Prometheus scrapes. Raises `BackendUnavailable`."""
    registry = CollectorRegistry()
    registry.register(JobMetrics(backend))
    return bytes(generate_latest(registry))


def _of_queues(stats: list[QueueStats]) -> Iterable[Metric]:
    jobs = GaugeMetricFamily(
        "rider_jobs", "Jobs now. state: waiting, scheduled, running, failed.", labels=["queue", "state"]
    )
    oldest = GaugeMetricFamily(
        "rider_jobs_oldest_seconds", "How long the oldest waiting job has waited; 0: none waits.", labels=["queue"]
    )
    workers = GaugeMetricFamily("rider_workers", "Live workers that serve a queue.", labels=["queue"])
    for queue in stats:
        for state in ("waiting", "scheduled", "running", "failed"):
            jobs.add_metric([queue.queue, state], getattr(queue, state))
        oldest.add_metric([queue.queue], queue.oldest_s or 0.0)
        workers.add_metric([queue.queue], queue.workers)
    return jobs, oldest, workers


def _of_tasks(figures: list[TaskFigures]) -> Iterable[Metric]:
    events = CounterMetricFamily("rider_job_events", "What happened to jobs.", labels=["task", "queue", "event"])
    for task in figures:
        for event in COUNTERS:
            events.add_metric([task.task, task.queue, event], getattr(task, event))
    yield events
    for field, name, text in _DURATIONS:
        family = HistogramMetricFamily(name, text, labels=["task", "queue"])
        for task in figures:
            histogram: Histogram = getattr(task, field)
            bounds = [*map(str, histogram.bounds_s), "+Inf"]
            buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
            family.add_metric([task.task, task.queue], buckets, histogram.sum_s)
        yield family
