"""The metrics in Prometheus's text format, for all processes of one `rider up`.

Each process writes its metrics to files in `PROMETHEUS_MULTIPROC_DIR` (prometheus_client's multiprocess mode); the
process that is scraped sums them up. Without that variable the text has this process's metrics only.
"""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess


def exposition() -> tuple[bytes, str]:
    """The metrics, and their content type."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
