"""The processes of this machine as the system sees them: memory, processor time, files and threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable

import psutil
from prometheus_client import Metric
from prometheus_client.registry import Collector

from rider_core.metrics import definitions
from rider_core.metrics.families import Family
from rider_core.metrics.members import Member


class ProcessMetrics(Collector):
    """`rider_process_...` of all processes that share their metrics, or of this one."""

    def __init__(self, live_members: Callable[[], list[Member]]) -> None:
        """
        Args:
            live_members: Returns the processes that share; none: this one has its metrics for itself.
        """
        self._members = live_members

    def collect(self) -> Iterable[Metric]:
        found = self._members() or [Member(definitions.process_name(), os.getpid())]
        values: dict[Family, dict[tuple[str, ...], float]] = {
            definitions.PROCESS_UP: {(member.name,): float(member.pid is not None) for member in found}
        }
        for member in found:
            if member.pid is not None:
                for family, value in _read(member.pid).items():
                    values.setdefault(family, {})[member.name,] = value
        for family, by_process in values.items():
            yield family.metric(by_process)
        yield definitions.MACHINE_MEMORY.metric({(): float(psutil.virtual_memory().total)})

    def describe(self) -> Iterable[Metric]:
        return ()


def _read(pid: int) -> dict[Family, float]:
    """The system's figures of a process; empty: it has ended meanwhile."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        with process.oneshot():
            cpu, memory = process.cpu_times(), process.memory_info()
            return {
                definitions.PROCESS_CPU: cpu.user + cpu.system,
                definitions.PROCESS_RESIDENT: float(memory.rss),
                # Not Linux: there is no figure for shared pages.
                definitions.PROCESS_OWN: float(memory.rss - getattr(memory, "shared", 0)),
                definitions.PROCESS_FILES: float(process.num_fds()),
                definitions.PROCESS_THREADS: float(process.num_threads()),
                definitions.PROCESS_START: process.create_time(),
            }
    return {}
