"""A worker whose leases and limits are short, so that a test need not wait; it dies at a given point if told to.

Usage: python -m rider_core.testing.jobs.faults.hurried_worker MOMENT QUEUE...

MOMENT is a value of `Moment`. Settings come from the environment, as for any worker.
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
from rider_core.testing.jobs.faults.moments import FAST_TIMINGS, TASK_TIMEOUT, Moment
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
    def put(self, done: CompletedAttempt, last: bool) -> None:
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


class BriskBatchSizer(batch_sizer.BatchSizer):
    """Takes jobs for short without having seen one: how fast this machine is just now makes no difference."""

    def together(self, task: str) -> int:
        return 16


class SlowReporter(process.StatusReporter):
    def stop(self) -> None:
        let_pass(3 * FAST_TIMINGS.heartbeat_s, "something is slow to close")
        super().stop()


#: In which module which name stands for something else, for a worker that dies at that moment.
REPLACED: dict[Moment, list[tuple[ModuleType, str, type]]] = {
    Moment.ANSWERED: [(worker, "ResultWriter", AnsweredResultWriter)],
    Moment.STOPPED_BETWEEN: [(worker, "ResultWriter", StoppedResultWriter), (worker, "BatchSizer", BriskBatchSizer)],
    Moment.SLOW_FAREWELL: [(worker, "StatusReporter", SlowReporter)],
    Moment.COMMITTED: [
        (rq_transport, "RQListSource", CommittedRQListSource),
        (broker_transport, "BrokerSource", CommittedBrokerSource),
    ],
}


def prepare(moment: Moment) -> type[ProviderWorker]:
    """The class of a worker that dies at that moment."""
    for module, name, replacement in REPLACED.get(moment, []):
        assert issubclass(replacement, getattr(module, name)), f"{module.__name__} has another {name}"
        setattr(module, name, replacement)
    return TakenWorker if moment is Moment.TAKEN else ProviderWorker


def main() -> None:
    moment, *queues = sys.argv[1:]
    worker_class = prepare(Moment(moment))
    settings = load_settings()
    services = Services.open(settings, f"worker-{os.getpid()}", timings=timings())
    worker_class(queues, connection=connect(settings.redis_location), services=services).work()


if __name__ == "__main__":
    main()
