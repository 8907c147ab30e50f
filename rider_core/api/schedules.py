"""The types of schedules, which submit jobs periodically, and of their records."""

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

#: A job's id is its schedule's id, a hyphen, and the due time in ten digits (until the year 2286): 64 in all.
SCHEDULE_ID_PATTERN = r"^[A-Za-z0-9_-]{1,53}$"
#: The syntax of every cron, without the extensions of some.
_CRON_FIELD = "(?:[0-9*,/-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)+"
_CRON = re.compile(f"{_CRON_FIELD}(?: {_CRON_FIELD}){{4}}", re.IGNORECASE)
#: Shortcuts of most crons.
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
    """Misfire policy: what happens to due times at which no scheduler ran, or the queue accepted no jobs."""

    ONCE = "once"
    SKIP = "skip"


class ScheduleState(str, Enum):
    ACTIVE = "active"
    PAUSED = "paused"
    BROKEN = "broken"


def machine_timezone() -> str:
    """The IANA name of this machine's time zone; UTC, with a warning, where it cannot be determined."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named and not named.startswith("/"):
        return named
    file = Path(named) if named else _LOCAL_TIME
    found = str(file.resolve()).partition(_ZONES)[2] or _name_in_file() or _name_of_copy(file)
    if not found:
        log.warning("the time zone of this machine is unknown, so UTC is used: name it with --tz, or set TZ")
    return found or "UTC"


def _name_in_file() -> str:
    """The zone's name in Debian's /etc/timezone; empty without it."""
    try:
        name = _TIME_ZONE.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return name if name in zoneinfo.available_timezones() else ""


def _name_of_copy(file: Path) -> str:
    """The zone of which `file` is a copy; of several equal ones, one named after a place."""
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


class SchedulePlan(Message):
    """When jobs are due, and their spec: a schedule without its id.

    Only the format is validated here. Times and jobs are checked when a schedule is added, because that depends on the
    installed tasks, and a schedule of a removed task must still be shown.
    """

    cron: str | None = Field(None, max_length=200, description="minute hour day month weekday")
    every_s: int | None = Field(None, ge=1, le=366 * 86_400, description="seconds from one due time to the next")
    since_ts: int = Field(0, ge=0, description="start of the `every_s` intervals: seconds since the epoch")
    timezone: str = Field(default_factory=machine_timezone, max_length=64, description="IANA name, of `cron`")
    enabled: bool = Field(True, description="False: paused; due times meanwhile are not caught up")
    missed: Missed = Field(Missed.ONCE, description="once: one job for the latest missed due time; skip: none")
    description: str = Field("", max_length=200, description="for people")

    task: str = Field(max_length=64, description="a name from `rider_core.api.tasks.TASKS`")
    payload: dict[str, Any] = Field(description="the task's request type")
    provider: str | None = Field(None, max_length=64, description="a provider by name; None: the one in the settings")
    priority: Priority = Field(Priority.NORMAL, description="of its jobs")
    retry: RetryPolicy | None = Field(None, description="after failed attempts; None: the task's policy")
    deadline_s: float | None = Field(
        None, gt=0, description="a job is not started this many seconds after its due time"
    )
    origin: str = Field("schedule", max_length=64, description="origin of its jobs")

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


class Schedule(SchedulePlan):
    """A plan with the id under which it is stored."""

    id: str = Field(pattern=SCHEDULE_ID_PATTERN, description="the jobs' ids begin with it")

    def job(self, due_ts: int) -> JobSpec:
        """The job of one due time. Its id is always the same, so that submitting it twice is idempotent."""
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
        """With intervals that start at `now`, at other seconds than before, after the clock was set back.

        Otherwise a repeated due time would give a job with the id of an earlier one, which would not be accepted.
        """
        if self.every_s is None:
            return self
        same = (now - self.since_ts) % self.every_s == 0
        return self.model_copy(update={"since_ts": max(0, now - same)})


class ScheduleRecord(Message):
    """The current state of a schedule. Times are seconds since the epoch."""

    id: str
    schedule: Schedule | None = Field(description="None: the stored schedule cannot be read; `problem` says why")
    next_ts: int | None = Field(None, description="next due time; None: paused or broken")
    last_due_ts: int | None = Field(None, description="the due time of its last job")
    last_fired_ts: float | None = Field(None, description="when that job was submitted")
    fired: int = Field(0, description="jobs submitted so far")
    late: int = Field(0, description="of these, more than a second after their due time")
    missed: int = Field(0, description="due times without a job")
    problem: str | None = Field(None, description="why it was disabled")

    @property
    def state(self) -> ScheduleState:
        if self.problem is not None or self.schedule is None:
            return ScheduleState.BROKEN
        return ScheduleState.ACTIVE if self.schedule.enabled else ScheduleState.PAUSED
