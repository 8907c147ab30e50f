"""Schedules in types: what makes jobs again and again, and what is known about it."""

from __future__ import annotations

import logging
import os
import re
import zoneinfo
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from rider_core.api.jobs import JobSpec, Priority, RetryPolicy
from rider_core.api.messages import Message

log = logging.getLogger(__name__)

#: A job's id is that of its schedule, a hyphen, and the due time in ten digits (until the year 2286): 64 in all.
SCHEDULE_ID_PATTERN = r"^[A-Za-z0-9_-]{1,53}$"
#: What every cron takes, and none of the letters by which some add to it.
_CRON_FIELD = "(?:[0-9*,/-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)+"
_CRON = re.compile(f"{_CRON_FIELD}(?: {_CRON_FIELD}){{4}}", re.IGNORECASE)
#: Names that most crons have for common ones.
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_ZONES = "/zoneinfo/"
_LOCAL_TIME, _TIME_ZONE = Path("/etc/localtime"), Path("/etc/timezone")


class Missed(str, Enum):
    """What becomes of due times when no scheduler ran, or the queue took no jobs, until it was too late."""

    ONCE = "once"
    SKIP = "skip"


class ScheduleState(str, Enum):
    ACTIVE = "active"
    PAUSED = "paused"
    BROKEN = "broken"


def machine_timezone() -> str:
    """The IANA name of the zone that this machine's clock shows; UTC, with a warning, where it does not tell."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named and not named.startswith("/"):
        return named
    file = Path(named) if named else _LOCAL_TIME
    found = str(file.resolve()).partition(_ZONES)[2] or _name_in_file() or _name_of_copy(file)
    if not found:
        log.warning("this machine does not tell its time zone, UTC is taken: name it with --tz, or set TZ")
    return found or "UTC"


def _name_in_file() -> str:
    """What Debian keeps beside the zone itself."""
    try:
        name = _TIME_ZONE.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return name if name in zoneinfo.available_timezones() else ""


def _name_of_copy(file: Path) -> str:
    """The zone of which `file` is a copy; of several that are alike, the one that looks like a place."""
    try:
        content = file.read_bytes()
    except OSError:
        return ""
    alike = []
    for folder in map(Path, zoneinfo.TZPATH):
        for name in zoneinfo.available_timezones():
            path = folder / name
            if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
                alike.append(name)
    return min(alike, key=lambda name: ("/" not in name or name.startswith("Etc/"), len(name), name), default="")


class Schedule(Message):
    """When jobs are due, and what they are like.

    Only its form is checked here. Whether its times and its jobs make sense is checked where it is added, because that
    depends on what is installed: a task may go, and the schedule must still be shown.
    """

    id: str = Field(pattern=SCHEDULE_ID_PATTERN, description="the jobs are called after it and their due time")
    cron: str | None = Field(None, max_length=200, description="minute hour day month weekday")
    every_s: int | None = Field(None, ge=1, le=366 * 86_400, description="seconds from one due time to the next")
    since_ts: int = Field(0, ge=0, description="`every_s` counts from here: seconds since the epoch")
    timezone: str = Field(default_factory=machine_timezone, max_length=64, description="IANA name; `cron` is in it")
    enabled: bool = Field(True, description="False: paused; what is due meanwhile is not caught up on")
    missed: Missed = Field(Missed.ONCE, description="once: one job for the latest that was missed; skip: none")
    description: str = Field("", max_length=200, description="for people")

    task: str = Field(max_length=64, description="a name from `rider_core.api.tasks.TASKS`")
    payload: dict[str, Any] = Field(description="what the task's request type says")
    provider: str | None = Field(None, max_length=64, description="a provider by name; None: the one in the settings")
    priority: Priority = Field(Priority.NORMAL, description="of its jobs")
    retry: RetryPolicy | None = Field(None, description="what happens when an attempt fails; None: what the task says")
    deadline_s: float | None = Field(None, gt=0, description="a job is not started so long after its due time")
    origin: str = Field("schedule", max_length=64, description="who asked, as its jobs say it")

    def job(self, due_ts: int) -> JobSpec:
        """The job of one due time. Its id is always the same, so handing it over twice is once."""
        return JobSpec(
            id=f"{self.id}-{due_ts}",
            task=self.task,
            payload=self.payload,
            provider=self.provider,
            priority=self.priority,
            retry=self.retry,
            deadline_ts=due_ts + self.deadline_s if self.deadline_s else None,
            origin=self.origin,
        )

    def begun_anew(self, now: int) -> Self:
        """With intervals from `now` on, where the clock was set back: at other seconds than before.

        A job of a due time that comes again would have the id of one that was done, and be taken for it.
        """
        if self.every_s is None:
            return self
        same = (now - self.since_ts) % self.every_s == 0
        return self.model_copy(update={"since_ts": max(0, now - same)})

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, cron: str | None) -> str | None:
        if cron is None:
            return None
        cron = _NAMED.get(cron.strip().lower(), cron)
        if not _CRON.fullmatch(cron):
            raise ValueError(
                'it must be five fields, minute hour day month weekday, such as "30 6 * * mon-fri", or one of '
                + ", ".join(_NAMED)
            )
        return cron

    @model_validator(mode="after")
    def _cron_or_interval(self) -> Self:
        if (self.cron is None) == (self.every_s is None):
            raise ValueError("exactly one of cron and every_s must be given")
        return self


class ScheduleRecord(Message):
    """A schedule as it is now. Times are seconds since the epoch."""

    id: str
    schedule: Schedule | None = Field(description="None: what is stored cannot be read; `problem` says why")
    next_ts: int | None = Field(None, description="when it is due next; None: it is paused or broken")
    last_due_ts: int | None = Field(None, description="the due time of its last job")
    last_fired_ts: float | None = Field(None, description="when that job was handed over")
    fired: int = Field(0, description="jobs handed over so far")
    late: int = Field(0, description="of these, more than a second after their due time")
    missed: int = Field(0, description="due times without a job")
    problem: str | None = Field(None, description="why it was disabled")

    @property
    def state(self) -> ScheduleState:
        if self.problem is not None or self.schedule is None:
            return ScheduleState.BROKEN
        return ScheduleState.ACTIVE if self.schedule.enabled else ScheduleState.PAUSED
