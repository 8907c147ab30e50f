"""A worker with short leases and limits, so that tests are fast. It can kill itself at a given point.

Usage: python -m rider_core.testing.jobs.faults.fast_timing_worker KILL_POINT QUEUE...

KILL_POINT is a value of `KillPoint`. Settings come from the environment, as for any worker.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

from rider_core.config import load_settings
from rider_core.jobs import AttemptResult, JobTimings, LeasedJob
from rider_core.jobs.broker import transport as broker_transport
from rider_core.jobs.broker.source import BrokerSource
from rider_core.jobs.rq_lists import transport as rq_transport
from rider_core.jobs.rq_lists.source import RQListSource
from rider_core.runtime import process
from rider_core.runtime.redis_connection import connect
from rider_core.runtime.services import Services
from rider_core.testing.jobs.faults.kill_points import FAST_TIMINGS, TASK_TIMEOUT, KillPoint
from rider_core.testing.waiting import let_pass
from rider_core.worker import ProviderWorker, batch_sizer, result_writer, worker
from rider_core.worker.attempt import CompletedAttempt


def timings() -> JobTimings:
    """Short ones; an engine has as long as `TASK_TIMEOUT` says, where it is set."""
    limit_s = os.environ.get(TASK_TIMEOUT)
    return replace(FAST_TIMINGS, engine_limit_s=float(limit_s)) if limit_s else FAST_TIMINGS


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class TakenWorker(ProviderWorker):
    def execute_job(self, job: Any, queue: Any) -> None:
        die()


class AnsweredResultWriter(result_writer.ResultWriter):
    def put(self, completed: CompletedAttempt, last: bool) -> None:
        die()


class CommittedRQListSource(RQListSource):
    def commit_and_dequeue(
        self, results: Sequence[AttemptResult], limits: Mapping[str, int]
    ) -> tuple[list[bool], list[LeasedJob]]:
        super().commit_and_dequeue(results, limits)
        die()
        raise AssertionError("unreachable")


class CommittedBrokerSource(BrokerSource):
    def settle(self, results: Sequence[AttemptResult], answers: Sequence[int]) -> None:
        die()


class StoppedResultWriter(result_writer.ResultWriter):
    def commit_and_dequeue(self, limits: Mapping[str, int] | None) -> list[LeasedJob]:
        leased_jobs = super().commit_and_dequeue(limits)
        if len(leased_jobs) > 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return leased_jobs


class FixedBatchSizer(batch_sizer.BatchSizer):
    """Always batches 16 jobs, whatever the machine's speed."""

    def batch_size(self, task: str) -> int:
        return 16


class SlowReporter(process.StatusReporter):
    def stop(self) -> None:
        let_pass(3 * FAST_TIMINGS.heartbeat_s, "something is slow to close")
        super().stop()


#: The classes that a worker with a kill point replaces: module, name, replacement.
REPLACED: dict[KillPoint, list[tuple[ModuleType, str, type]]] = {
    KillPoint.ANSWERED: [(worker, "ResultWriter", AnsweredResultWriter)],
    KillPoint.STOPPED_BETWEEN: [(worker, "ResultWriter", StoppedResultWriter), (worker, "BatchSizer", FixedBatchSizer)],
    KillPoint.SLOW_CLOSE: [(worker, "StatusReporter", SlowReporter)],
    KillPoint.COMMITTED: [
        (rq_transport, "RQListSource", CommittedRQListSource),
        (broker_transport, "BrokerSource", CommittedBrokerSource),
    ],
}


def prepare(kill_point: KillPoint) -> type[ProviderWorker]:
    """The worker class for a kill point."""
    for module, name, replacement in REPLACED.get(kill_point, []):
        assert issubclass(replacement, getattr(module, name)), f"{module.__name__} has another {name}"
        setattr(module, name, replacement)
    return TakenWorker if kill_point is KillPoint.TAKEN else ProviderWorker


def main() -> None:
    kill_point, *queues = sys.argv[1:]
    worker_class = prepare(KillPoint(kill_point))
    settings = load_settings()
    services = Services.open(settings, f"worker-{os.getpid()}", timings=timings())
    worker_class(queues, connection=connect(settings.redis_location), services=services).work()


if __name__ == "__main__":
    main()
