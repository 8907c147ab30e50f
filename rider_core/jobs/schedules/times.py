"""When a schedule is due: seconds since the epoch out of a cron expression in a time zone, or out of an interval.

Where the clock is changed:
- A cron expression with fixed hours ("30 2 * * *", "0 */2 * * *") means what the clock shows. A time that comes twice
  is due the first time; one that the clock jumps over is due at the moment of the jump.
- One for every hour ("*/5 * * * *") goes on evenly, through both of the hour that comes twice.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from rider_core.api.schedules import Schedule
from rider_core.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1)
#: Maximum number of missed due times that are counted: a week of a job a minute takes croniter seconds.
MAX_COUNTED = 1_000
#: Where the search for the latest due time begins, in seconds before now. The steps back double.
_LOOK_BACK_S = 60
#: After a cron's usual: what has fixed hours does not come again where the clock was set back by no more than this.
_NO_REPEAT_S = 3 * 3_600
#: One part of a field's list. What only begins or ends like it (`*/7-7`, `5-5-5`) is croniter's to refuse.
_RANGE = re.compile(r"(?P<first>\w+)-(?P<last>\w+)(?:/0*[1-9]\d*)?")
_WEEKDAY_FIELD = 4
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: Names and the numbers that mean the same.
_ALIKE = [
    *({day, str(number)} for number, day in enumerate(_DAYS)),
    {"sun", "7"},
    *({month, str(number)} for number, month in enumerate(_MONTHS, 1)),
]


class DueTimes(ABC):
    """The due times of a schedule, in whole seconds since the epoch."""

    @abstractmethod
    def after(self, ts: float) -> int:
        """The first that is later than `ts`."""

    @abstractmethod
    def brought_forward(self, due: int, now: float) -> int:
        """The due time to wait for: `due`, or an earlier one where the clock was set back since `due` was found."""

    def latest(self, first: int, now: float) -> int:
        """The last of those from `first`, which is one, to `now`."""
        due, back_s = first, _LOOK_BACK_S
        while now - back_s > first:
            if (found := self.after(now - back_s)) <= now:
                due = found
                break
            back_s *= 2
        while (following := self.after(due)) <= now:
            due = following
        return due

    def count(self, first: int, end: int) -> int:
        """How many there are from `first`, which is one, up to but not including `end`; `MAX_COUNTED` at most."""
        number, due = 0, first
        while due < end and number < MAX_COUNTED:
            number, due = number + 1, self.after(due)
        return number


class Interval(DueTimes):
    def __init__(self, every_s: int, since_ts: int) -> None:
        self._every_s = every_s
        self._since_ts = since_ts

    def after(self, ts: float) -> int:
        # Also before its beginning: the clock may have been set back since.
        return self._since_ts + (int((ts - self._since_ts) // self._every_s) + 1) * self._every_s

    def brought_forward(self, due: int, now: float) -> int:
        return self.after(now) if due - now > self._every_s else due


class Cron(DueTimes):
    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        """
        Raises:
            InvalidInput: the expression is none, or no such day comes in fifty years.
        """
        self._zone = zone
        self._evenly = expression.split()[1] == "*"
        try:
            self._cron = croniter(_with_single_values(expression), _EPOCH)
            self._shown_after(_EPOCH)
        except CroniterError as error:
            raise InvalidInput(f"cron: {expression!r} is never due: {error}") from None

    def after(self, ts: float) -> int:
        second = int(ts // 1)
        return self._after_evenly(second) if self._evenly else self._after_on_the_clock(second)

    def brought_forward(self, due: int, now: float) -> int:
        known = now if self._evenly else now + _NO_REPEAT_S
        return self.after(now) if due > self.after(known) else due

    def _after_on_the_clock(self, ts: int) -> int:
        shown = _EPOCH + timedelta(seconds=ts + self._offset_s(ts))
        due = ts
        while due <= ts:  # the clock shows again what it showed before
            shown = self._shown_after(shown)
            due = self._first_time(shown)
        return due

    def _after_evenly(self, ts: int) -> int:
        offset_s = self._offset_s(ts)
        while True:
            shown = self._shown_after(_EPOCH + timedelta(seconds=ts + offset_s))
            due = _seconds(shown) - offset_s
            if self._offset_s(due) == offset_s:
                return due
            # The clock is changed before that: look again from the change on.
            ts = self._change(ts, due) - 1
            offset_s = self._offset_s(ts + 1)

    def _first_time(self, shown: datetime) -> int:
        """When the clock shows this for the first time, or jumps over it."""
        due = int(shown.replace(tzinfo=self._zone, fold=0).timestamp())
        if _seconds(shown) == due + self._offset_s(due):
            return due
        return self._change(int(shown.replace(tzinfo=self._zone, fold=1).timestamp()), due)

    def _shown_after(self, shown: datetime) -> datetime:
        found: datetime = self._cron.get_next(datetime, start_time=shown)
        return found

    def _offset_s(self, ts: int) -> int:
        """How far the clock is before UTC, in seconds."""
        offset = datetime.fromtimestamp(ts, self._zone).utcoffset()
        assert offset is not None  # a ZoneInfo always has one
        return int(offset.total_seconds())

    def _change(self, before: int, after: int) -> int:
        """The first second of another offset than that at `before`, where there is another at `after`."""
        old = self._offset_s(before)
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if self._offset_s(middle) == old else (before, middle)
        return after


def _with_single_values(expression: str) -> str:
    """The expression with every range from a value to itself as that value: croniter takes it for the whole cycle."""
    fields = enumerate(expression.split())
    return " ".join(",".join(_single(part, number) for part in field.split(",")) for number, field in fields)


def _single(part: str, field: int) -> str:
    found = _RANGE.fullmatch(part)
    return found["first"] if found and _is_one(found["first"], found["last"], field) else part


def _is_one(first: str, last: str, field: int) -> bool:
    if first.isdecimal() and last.isdecimal():
        # From Sunday to Sunday; the other way round, from 0 to 7, is every day.
        return int(first) == int(last) or (field == _WEEKDAY_FIELD and (int(first), int(last)) == (7, 0))
    return first.lower() == last.lower() or {first.lower(), last.lower()} in _ALIKE


def due_times(schedule: Schedule) -> DueTimes:
    """When it is due. Raises `InvalidInput` where the cron expression or the time zone is wrong."""
    zone = zone_named(schedule.timezone)
    if schedule.every_s is not None:
        return Interval(schedule.every_s, schedule.since_ts)
    assert schedule.cron is not None  # the model has one of the two
    return Cron(schedule.cron, zone)


def zone_named(name: str) -> ZoneInfo:
    """The time zone. Raises `InvalidInput` where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # the name becomes a path, which may be of a folder or none at all
        raise InvalidInput(
            f"timezone: there is no time zone {name[:80]!r}", remedy="use an IANA name such as Europe/Warsaw or UTC"
        ) from None


def _seconds(shown: datetime) -> int:
    return int((shown - _EPOCH).total_seconds())
