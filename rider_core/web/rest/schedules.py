"""Schedules: list, add, change, pause, run now, delete; and the next due times of a cron expression."""

from __future__ import annotations

import time

from pydantic import Field

from rider_core.api.job_backend import JobBackend
from rider_core.api.jobs import JobRecord
from rider_core.api.messages import Message, parse_message
from rider_core.api.roles import Role
from rider_core.api.schedules import SCHEDULE_ID_PATTERN, Schedule, SchedulePlan, ScheduleRecord, machine_timezone
from rider_core.errors import AlreadyExists, Conflict
from rider_core.jobs.schedules import ScheduleStore, due_times
from rider_core.web.rest.blueprint import ROOT, Answer, RestBlueprint
from rider_core.web.rest.jobs import MAX_JOB_BODY_BYTES, ORIGIN
from rider_core.web.rest.parameters import IfNew, TaskName
from rider_core.web.rest.problems import ChangedMeanwhile

MAX_TIMES = 100


class SchedulePath(Message):
    schedule_id: str = Field(pattern=SCHEDULE_ID_PATTERN, description="the schedule's id")


class ScheduleBody(SchedulePlan):
    """A schedule without its id, which is in the path."""

    task: TaskName


class EnabledBody(Message):
    enabled: bool = Field(description="False: pause; True: continue, also after an error has disabled it")


class SchedulesView(Message):
    schedules: tuple[ScheduleRecord, ...] = Field(description="by id")
    schedulers: int = Field(description="running schedulers; 0: no job is submitted")


class TimesQuery(Message):
    cron: str = Field(max_length=200, description="minute hour day month weekday")
    timezone: str = Field(default_factory=machine_timezone, max_length=64, description="IANA name")
    count: int = Field(5, ge=1, le=MAX_TIMES, description="number of times")


class TimesView(Message):
    times: tuple[int, ...] = Field(description="the next due times, seconds since the epoch")
    timezone: str


def schedules_blueprint(store: ScheduleStore, backend: JobBackend) -> RestBlueprint:
    """The routes."""
    schedules = RestBlueprint("schedules", "Jobs that are submitted at their times")

    @schedules.operation("GET", "", Role.READ, SchedulesView)
    def list_schedules() -> SchedulesView:
        """Every schedule with its next due time and its counters"""
        return SchedulesView(schedules=tuple(store.records()), schedulers=store.schedulers())

    @schedules.operation("GET", "/<schedule_id>", Role.READ, ScheduleRecord, problems=(404,))
    def show_schedule(path: SchedulePath) -> ScheduleRecord:
        """One schedule"""
        return store.get(path.schedule_id)

    @schedules.operation(
        "PUT",
        "/<schedule_id>",
        Role.OPERATE,
        ScheduleRecord,
        problems=(409, 412),
        max_body_bytes=MAX_JOB_BODY_BYTES,
    )
    def put_schedule(path: SchedulePath, body: ScheduleBody, header: IfNew) -> ScheduleRecord:
        """Add a schedule, or replace it

        A replaced one keeps its counters. With `If-None-Match: *` nothing is replaced.
        """
        schedule = Schedule.model_validate({**body.model_dump(), "id": path.schedule_id})
        try:
            return store.add(schedule, replace=header.if_none_match is None)
        except AlreadyExists as error:
            raise ChangedMeanwhile(error.message, remedy="choose another id, or leave If-None-Match out") from None

    @schedules.operation("PATCH", "/<schedule_id>", Role.OPERATE, ScheduleRecord, problems=(404, 409))
    def enable_schedule(path: SchedulePath, body: EnabledBody) -> ScheduleRecord:
        """Pause a schedule, or continue it"""
        return store.resume(path.schedule_id) if body.enabled else store.pause(path.schedule_id)

    @schedules.operation("DELETE", "/<schedule_id>", Role.OPERATE, None, status=204, problems=(404,))
    def delete_schedule(path: SchedulePath) -> None:
        """Delete a schedule; the jobs that it has submitted stay"""
        store.remove(path.schedule_id)

    @schedules.operation("POST", "/<schedule_id>/run", Role.OPERATE, JobRecord, status=201, problems=(404, 409))
    def run_schedule(path: SchedulePath) -> Answer:
        """Submit the job of a schedule now; its due times do not change"""
        record = store.get(path.schedule_id)
        if record.schedule is None:
            raise Conflict(f"schedule {path.schedule_id!r} cannot be read: {record.problem}", remedy="replace it")
        spec = record.schedule.job(int(time.time())).model_copy(update={"origin": ORIGIN})
        job_id = backend.submit(spec)
        return Answer(backend.get(job_id), headers={"Location": f"{ROOT}/jobs/{job_id}"})

    return schedules


def due_times_blueprint() -> RestBlueprint:
    """The route of due times."""
    blueprint = RestBlueprint("due-times", "When a cron expression is due")

    @blueprint.operation("GET", "", Role.READ, TimesView)
    def show_times(query: TimesQuery) -> TimesView:
        """The next due times of a cron expression"""
        # The expression is checked as part of a schedule.
        values = {"id": "times", "cron": query.cron, "timezone": query.timezone, "task": "", "payload": {}}
        times, due = due_times(parse_message(Schedule, values)), [time.time()]
        while len(due) <= query.count:
            due.append(times.after(due[-1]))
        return TimesView(times=tuple(int(ts) for ts in due[1:]), timezone=query.timezone)

    return blueprint
