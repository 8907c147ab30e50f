"""The metrics in Prometheus's formats, for one process or for all that share their values.

The processes of one `rider up` write to files (`members.py`); the process that is scraped sums them up. Any other
process has its own metrics only, and may serve them on a port of its own.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Metric, start_http_server
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from rider_core.metrics.definitions import shares_values
from rider_core.metrics.families import FAMILIES
from rider_core.metrics.files import damage
from rider_core.metrics.members import Member, files_that_count, members, shared_folder
from rider_core.metrics.processes import ProcessMetrics

log = logging.getLogger(__name__)


class SharedMetrics(Collector):
    """What the processes count: of all that share their values, or of this one."""

    def collect(self) -> Iterable[Metric]:
        """Every family that a process may count, with the label values that exist from the start."""
        folder = shared_folder() if shares_values() else None
        found = REGISTRY.collect() if folder is None else _merged(files_that_count(folder, members(folder)))
        metrics = {metric.name: metric for metric in found}
        for family in FAMILIES.values():
            if family.start:
                family.add_start(metrics.setdefault(family.base, family.metric()))
        return metrics.values()

    def describe(self) -> Iterable[Metric]:
        """Empty, so that registering the collector reads nothing."""
        return ()


def registry() -> CollectorRegistry:
    """A registry with all that this process can tell: what the processes count, and the processes themselves."""
    all_metrics = CollectorRegistry(auto_describe=False)
    all_metrics.register(SharedMetrics())
    all_metrics.register(ProcessMetrics(_live_members))
    return all_metrics


def exposition(source: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The text of a scrape, and its content type.

    Args:
        accept: The scraper's `Accept` header: OpenMetrics where it takes that, else Prometheus's older text format.
    """
    encode, content_type = choose_encoder(accept)
    return encode(source), content_type


def serve(port: int, address: str) -> None:
    """Serve the metrics of this process at `/metrics`, on a thread of its own.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    start_http_server(port, address, registry())


def _merged(files: list[str]) -> Iterable[Metric]:
    """The sum of these files; a damaged one is left out."""
    try:
        return list(MultiProcessCollector.merge(files))  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, struct.error):
        problems = {file: damage(file) for file in files}
        for file, problem in problems.items():
            if problem:
                log.error("%s is damaged, /metrics lacks what it counts: %s", file, problem)
        intact = [file for file in files if not problems[file]]
        return list(MultiProcessCollector.merge(intact))  # type: ignore[no-untyped-call]


def _live_members() -> list[Member]:
    folder = shared_folder() if shares_values() else None
    return members(folder) if folder is not None else []
