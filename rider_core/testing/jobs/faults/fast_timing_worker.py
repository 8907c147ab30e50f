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

from rider_core.api.tasks import TASKS
from rider_core.config import load_settings
from rider_core.jobs.broker_backend import backend as broker_backend
from rider_core.jobs.broker_backend import desk as broker_desk
from rider_core.jobs.ledger import Claim, Ended
from rider_core.jobs.rq_backend import backend as rq_backend
from rider_core.jobs.rq_backend import desk as rq_desk
from rider_core.runtime import process
from rider_core.runtime.redis_connection import connect
from rider_core.runtime.services import Services
from rider_core.testing.jobs.faults.kill_points import FAST_TIMINGS, TASK_TIMEOUT, KillPoint
from rider_core.testing.waiting import let_pass
from rider_core.worker import ProviderWorker, batch_sizer, result_writer, worker
from rider_core.worker.attempt import CompletedAttempt


def shorten_tasks() -> None:
    """Set the time limit of all tasks to that in `TASK_TIMEOUT`, if any."""
    if TASK_TIMEOUT in os.environ:
        timeout_s = float(os.environ[TASK_TIMEOUT])
        TASKS.update({name: replace(task, timeout_s=timeout_s) for name, task in TASKS.items()})


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class TakenWorker(ProviderWorker):
    def execute_job(self, job: Any, queue: Any) -> None:
        die()


class AnsweredResultWriter(result_writer.ResultWriter):
    def put(self, done: CompletedAttempt, last: bool) -> None:
        die()


class CommittedRQDesk(rq_desk.RQDesk):
    def exchange(self, ended: Sequence[Ended], limits: Mapping[str, int] | None) -> tuple[list[bool], list[Claim]]:
        super().exchange(ended, limits)
        die()
        raise AssertionError("unreachable")


class CommittedBrokerDesk(broker_desk.BrokerDesk):
    def _close_accounts(self, ended: Sequence[Ended], answers: Sequence[int]) -> None:
        die()


class StoppedResultWriter(result_writer.ResultWriter):
    def exchange(self, limits: Mapping[str, int] | None) -> list[Claim]:
        claims = super().exchange(limits)
        if len(claims) > 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return claims


class FixedBatchSizer(batch_sizer.BatchSizer):
    """Always batches 16 jobs, whatever the machine's speed."""

    def together(self, task: str) -> int:
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
    KillPoint.COMMITTED: [(rq_backend, "RQDesk", CommittedRQDesk), (broker_backend, "BrokerDesk", CommittedBrokerDesk)],
}


def prepare(kill_point: KillPoint) -> type[ProviderWorker]:
    """The worker class for a kill point."""
    for module, name, replacement in REPLACED.get(kill_point, []):
        assert issubclass(replacement, getattr(module, name)), f"{module.__name__} has another {name}"
        setattr(module, name, replacement)
    return TakenWorker if kill_point is KillPoint.TAKEN else ProviderWorker


def main() -> None:
    kill_point, *queues = sys.argv[1:]
    shorten_tasks()
    worker_class = prepare(KillPoint(kill_point))
    settings = load_settings()
    services = Services.open(settings, f"worker-{os.getpid()}", timings=FAST_TIMINGS)
    worker_class(queues, connection=connect(settings.redis_location), services=services).work()


if __name__ == "__main__":
    main()
