"""Schedules, schedulers and a backend on a real Valkey, with one manual clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import redis

from rider_core.api import JobSpec
from rider_core.api.messages import parse_message
from rider_core.api.schedules import Schedule, ScheduleRecord
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.schedules import DueStore, Scheduler, ScheduleStore
from rider_core.jobs.schedules.due_store import Entry
from rider_core.jobs.schedules.plan import Step


def schedule(**fields: Any) -> Schedule:
    """One for every minute, unless the fields say otherwise."""
    times = {} if {"cron", "every_s"} & set(fields) else {"every_s": 60}
    whole = {"id": "tick", "task": "text.generate", "payload": {"prompt": "hi"}, "timezone": "UTC", **times, **fields}
    return parse_message(Schedule, whole)


class Clock:
    """A manual clock: tests set `now`."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


class Backend(RedisJobBackend):
    """The real one; it records the ids of submitted jobs, and refuses those with a prefix in `refusals`."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__(connection, RQLists())
        self.submitted: list[str] = []
        self.refusals: dict[str, Exception] = {}

    def submit(self, spec: JobSpec) -> str:
        for prefix, error in self.refusals.items():
            if spec.id.startswith(prefix):
                raise error
        self.submitted.append(spec.id)
        return super().submit(spec)


class Interrupted(Scheduler):
    """Calls a function in the middle of its next step, once."""

    def __init__(self, due_store: DueStore, backend: RedisJobBackend, **actions: Callable[[], None]) -> None:
        super().__init__(due_store, backend)
        self._actions = actions

    def _fire(self, job: Entry, spec: JobSpec, step: Step) -> None:
        self._call("before_begin")
        super()._fire(job, spec, step)

    def _submit(self, spec: JobSpec) -> None:
        self._call("before_submit")
        super()._submit(spec)

    def _advance(self, job: Entry, step: Step) -> None:
        self._call("before_advance")
        super()._advance(job, step)

    def _call(self, when: str) -> None:
        self._actions.pop(when, lambda: None)()


class Killed(BaseException):
    """Ends a scheduler as SIGKILL does: nothing catches it."""


def die() -> None:
    raise Killed


class ScheduleHarness:
    """A schedule store, a backend, and schedulers with one clock."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self.clock = Clock()
        self.schedule_store = ScheduleStore(connection, self.clock)
        self.backend = Backend(connection)

    def scheduler(self, **actions: Callable[[], None]) -> Interrupted:
        return Interrupted(DueStore(self.connection, self.clock), self.backend, **actions)

    def add(self, **fields: Any) -> int:
        """Add a schedule. Returns its first due time."""
        due = self.schedule_store.add(schedule(**fields)).next_ts
        assert due is not None
        return due

    def record(self, schedule_id: str = "tick") -> ScheduleRecord:
        return self.schedule_store.get(schedule_id)

    def jobs(self) -> int:
        return sum(queue.waiting for queue in self.backend.stats())
