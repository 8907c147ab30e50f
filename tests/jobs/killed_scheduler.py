"""A scheduler that kills itself (SIGKILL) at its first job.

Usage: python killed_scheduler.py REDIS_URL before-submit|after-submit|after-advance|never
"""

from __future__ import annotations

import os
import signal
import sys

from rider_core.api import JobSpec
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.schedules import DueStore, Scheduler
from rider_core.jobs.schedules.due_store import Entry
from rider_core.jobs.schedules.plan import Step
from rider_core.runtime.redis_connection import connect


class Doomed(Scheduler):
    point = "never"

    def die_at(self, point: str) -> None:
        if point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)

    def _submit(self, spec: JobSpec) -> None:
        self.die_at("before-submit")
        super()._submit(spec)
        self.die_at("after-submit")

    def _advance(self, job: Entry, step: Step) -> None:
        super()._advance(job, step)
        self.die_at("after-advance")


def main() -> None:
    url, Doomed.point = sys.argv[1:]
    connection = connect(url)
    scheduler = Doomed(DueStore(connection), RedisJobBackend(connection, RQLists()))
    signal.signal(signal.SIGTERM, lambda *_: scheduler.stop())
    scheduler.run()


if __name__ == "__main__":
    main()
