"""The route `/metrics`, and the measurement of the panel's own requests."""

from __future__ import annotations

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics

from rider_core.metrics.definitions import shares_values
from rider_core.metrics.exposition import exposition, registry
from rider_core.runtime.services import Services
from rider_core.web.metrics.jobs import JobMetrics
from rider_core.web.metrics.machine import GpuMetrics, MachineMetrics
from rider_core.web.metrics.store import StoreMetrics


def add_metrics(app: Flask, services: Services) -> None:
    """Register `/metrics`, and count and time the application's requests."""
    source = registry()
    requests = _measure_requests(app)
    if not shares_values():  # otherwise they are in the shared files
        source.register(requests)
    for collector in (
        JobMetrics(services.backend),
        StoreMetrics(services),
        MachineMetrics(services.settings.data_dir),
        GpuMetrics(),
    ):
        source.register(collector)

    def metrics() -> Response:
        text, content_type = exposition(source, request.headers.get("Accept", ""))
        return Response(text, content_type=content_type)

    app.add_url_rule("/metrics", "metrics", metrics)


def _measure_requests(app: Flask) -> CollectorRegistry:
    """Count and time Flask's requests by URL rule: an unknown path becomes no label.

    Returns:
        A registry of the application. Where processes share their metrics by files, these are read instead.
    """
    measured = CollectorRegistry()
    PrometheusMetrics(app, path=None, group_by="url_rule", defaults_prefix="rider_web", registry=measured)
    return measured
