"""Converts the event that ended a job into a record for the history, and a record into that event."""

from __future__ import annotations

from pydantic import ValidationError

from rider_core.api import Event, JobRecord, JobState, Priority
from rider_core.api.events import FINAL_KINDS, EventKind
from rider_core.web import untrusted

_KINDS: dict[JobState, EventKind] = {
    JobState.DONE: "job.done",
    JobState.FAILED: "job.failed",
    JobState.EXPIRED: "job.expired",
    JobState.CANCELLED: "job.cancelled",
    JobState.REPLACED: "job.replaced",
}


def is_routine(event: Event) -> bool:
    """Whether the event is the start or the success of a job for a frame of the robot's camera.

    There are five such jobs a second: they would displace all other jobs from the panel within a minute, and from the
    history within an hour. Their results come as `robot.object`, their number is in the rates.
    """
    data = event.data
    frame = untrusted.name(data, "task") == "vision.detect" and untrusted.name(data, "origin") == "robot"
    return frame and event.kind in ("job.started", "job.done")


def job_record(event: Event) -> JobRecord | None:
    """The record of the job that this event ended, without its result.

    None: the event ended no job, is incomplete, or is routine (`is_routine`).
    """
    if event.kind not in FINAL_KINDS or not event.job_id or is_routine(event):
        return None
    data = event.data
    ran_s = (untrusted.number(data, "ran_ms") or 0.0) / 1000
    waited_s = (untrusted.number(data, "waited_ms") or 0.0) / 1000
    started = untrusted.number(data, "ran_ms") is not None
    try:
        return JobRecord(
            id=event.job_id[:64],
            task=untrusted.name(data, "task"),
            state=JobState(event.kind.removeprefix("job.")),
            queue=untrusted.name(data, "queue"),
            priority=Priority(data.get("priority") or Priority.NORMAL),
            origin=untrusted.name(data, "origin"),
            attempts=int(untrusted.number(data, "attempts") or 0),
            submitted_ts=event.ts - ran_s - waited_s,
            started_ts=event.ts - ran_s if started else None,
            ended_ts=event.ts,
            provider=untrusted.name(data, "provider") or None,
            mock=untrusted.flag(data, "mock") or False,
            problem=untrusted.problem(data),
        )
    except (ValidationError, ValueError):
        return None


def seed_event(record: JobRecord) -> Event | None:
    """The event that ended this job, rebuilt for a panel that started later. None: the job has not ended."""
    if record.state not in _KINDS or record.ended_ts is None:
        return None
    data = record.model_dump(
        mode="json", include={"task", "queue", "origin", "priority", "attempts", "provider", "mock", "problem"}
    )
    if record.started_ts is not None:
        data["waited_ms"] = round((record.started_ts - record.submitted_ts) * 1000, 1)
        data["ran_ms"] = round((record.ended_ts - record.started_ts) * 1000, 1)
    return Event(kind=_KINDS[record.state], ts=record.ended_ts, source="", job_id=record.id, data=data)
