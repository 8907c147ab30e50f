"""The text that Prometheus scrapes, for all processes of one `rider up` together.

Each process writes its figures into files of `PROMETHEUS_MULTIPROC_DIR` (prometheus_client's own way); whoever is
scraped adds them up. Without that variable the text covers this process alone.
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
