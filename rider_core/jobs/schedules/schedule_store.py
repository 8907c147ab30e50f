"""The schedules as people see and change them. The scheduler's view is in `due_store`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import redis

from rider_core.api.messages import parse_json
from rider_core.api.schedules import Schedule, ScheduleRecord
from rider_core.errors import AlreadyExists, InvalidInput, JobRefused, ScheduleNotFound, TooLarge
from rider_core.jobs.schedules import protocol
from rider_core.jobs.schedules.plan import check
from rider_core.redis_errors import redis_errors
from rider_core.redis_functions import ConnectionPool

MAX_SCHEDULES = 1_000
#: Largest size of one schedule in JSON, with its payload: room for some seconds of sound.
MAX_SCHEDULE_BYTES = 1024 * 1024
#: rq-scheduler's hashes of the schedulers that are alive.
_INSTANCES = "rq:scheduler_instance:*"
#: Fields of a schedule's hash that its record has, too.
_NUMBERS = ("last_due_ts", "last_fired_ts", "fired", "late", "missed")


class ScheduleCounts(NamedTuple):
    """
    Attributes:
        active: They have a next due time.
        inactive: Paused or broken.
        due: Their due time has come, and their job is not submitted yet.
    """

    active: int
    inactive: int
    due: int


class ScheduleStore:
    """All schedules. May be used from several threads; every method raises `BackendUnavailable` without Redis."""

    def __init__(self, connection: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            connection: With `decode_responses=False`.
            clock: Seconds since the epoch.
        """
        self._redis = connection
        self._functions = protocol.ScheduleFunctions(ConnectionPool(connection))
        self._clock = clock

    def add(self, schedule: Schedule, replace: bool = False) -> ScheduleRecord:
        """Store a schedule; it is due for the first time after now.

        Args:
            replace: Replace a schedule with the same id; its counters continue.

        Raises:
            JobRefused: its task does not exist, or there are too many schedules.
            InvalidInput: its cron expression, time zone or payload are wrong, or it is too large.
            AlreadyExists: its id is taken.
        """
        if schedule.every_s and not schedule.since_ts:
            schedule = schedule.model_copy(update={"since_ts": int(self._clock())})
        if not self._put(schedule, revision="" if replace else "0"):
            raise AlreadyExists(
                f"there is a schedule {schedule.id!r} already", remedy="choose another id, or replace it with --replace"
            )
        return self.get(schedule.id)

    def remove(self, schedule_id: str) -> None:
        """Delete it; jobs that it has submitted stay. Raises `ScheduleNotFound`."""
        with redis_errors():
            removed = self._functions.remove(protocol.ScheduleHead(schedule_id))
        if not removed:
            raise _not_found(schedule_id)

    def pause(self, schedule_id: str) -> ScheduleRecord:
        """Pause it. Raises `ScheduleNotFound`, and what `add` raises where the schedule is not valid any more."""
        return self._enable(schedule_id, False)

    def resume(self, schedule_id: str) -> ScheduleRecord:
        """Resume it from now on, also where it was disabled. Raises what `pause` raises."""
        return self._enable(schedule_id, True)

    def get(self, schedule_id: str) -> ScheduleRecord:
        """Raises `ScheduleNotFound`."""
        found = self._records([schedule_id])
        if not found:
            raise _not_found(schedule_id)
        return found[0]

    def records(self) -> list[ScheduleRecord]:
        """All of them, by id."""
        with redis_errors():
            ids = cast("set[bytes]", self._redis.smembers(protocol.ids_key()))
        return self._records(sorted(schedule_id.decode("utf-8", "replace") for schedule_id in ids))

    def counts(self) -> ScheduleCounts:
        """How many there are. Raises `BackendUnavailable`."""
        with redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.scard(protocol.ids_key())
            pipeline.zcard(protocol.due_key())
            pipeline.zcount(protocol.due_key(), "-inf", self._clock())
            every, active, due = cast("list[int]", pipeline.execute())
        return ScheduleCounts(active, every - active, due)

    def schedulers(self) -> int:
        """Number of running schedulers."""
        with redis_errors():
            # `count` is how many of all keys in Redis one round trip looks at.
            keys = list(self._redis.scan_iter(_INSTANCES, count=1_000))
            return sum(not self._redis.hexists(key, "death") for key in keys)

    def _enable(self, schedule_id: str, enabled: bool) -> ScheduleRecord:
        with redis_errors():
            fields = self._redis.hmget(protocol.schedule_key(schedule_id), ["schedule", "revision"])
        data, revision = cast("list[bytes | None]", fields)
        if data is None or revision is None:
            raise _not_found(schedule_id)
        schedule = parse_json(Schedule, data).model_copy(update={"enabled": enabled})
        if not self._put(schedule, revision=revision.decode()):
            raise JobRefused(f"schedule {schedule_id!r} was changed meanwhile", remedy="try again")
        return self.get(schedule_id)

    def _put(self, schedule: Schedule, revision: str) -> bool:
        """Store it. False where another revision is stored than this one ("0": there is none; "": any)."""
        data = schedule.model_dump_json().encode()
        if len(data) > MAX_SCHEDULE_BYTES:
            raise TooLarge(f"the schedule has {len(data)} bytes, the limit is {MAX_SCHEDULE_BYTES}")
        times = check(schedule)
        due = times.after(self._clock()) if schedule.enabled else ""
        head = protocol.PutHead(schedule.id, data, due, revision, MAX_SCHEDULES)
        with redis_errors():
            stored = self._functions.put(head)
        if stored == protocol.TOO_MANY:
            raise JobRefused(
                f"there are {MAX_SCHEDULES} schedules, no more are taken",
                remedy="remove one: rider schedule remove ID",
            )
        return bool(stored == protocol.STORED)

    def _records(self, ids: Sequence[str]) -> list[ScheduleRecord]:
        """The records of those that exist."""
        with redis_errors(), self._redis.pipeline(transaction=True) as pipeline:
            for schedule_id in ids:
                pipeline.hgetall(protocol.schedule_key(schedule_id))
                pipeline.zscore(protocol.due_key(), schedule_id)
            answers = pipeline.execute(raise_on_error=False)
        found = list(zip(ids, answers[::2], answers[1::2], strict=True))
        return [_record(schedule_id, _fields(fields), due) for schedule_id, fields, due in found if fields]


def _fields(answer: Mapping[bytes, bytes] | redis.ResponseError) -> Mapping[bytes, bytes]:
    """The fields of a schedule's hash. A key of another type has one: Redis's error, as the problem."""
    return {b"problem": str(answer).encode()} if isinstance(answer, redis.ResponseError) else answer


def _record(schedule_id: str, fields: Mapping[bytes, bytes], next_due: float | None) -> ScheduleRecord:
    text = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    values: dict[str, Any] = {name: text[name] for name in _NUMBERS if _is_number(text.get(name, ""))}
    if "problem" in text:
        values["problem"] = text["problem"]
    schedule = None
    try:
        schedule = parse_json(Schedule, fields.get(b"schedule", b""))
    except InvalidInput as error:
        values.setdefault("problem", error.message)
    next_ts = None if next_due is None else int(next_due)
    return ScheduleRecord(id=schedule_id, schedule=schedule, next_ts=next_ts, **values)


def _is_number(text: str) -> bool:
    """Other programs may write any text into the hash."""
    try:
        return abs(float(text)) < 1e15
    except ValueError:
        return False


def _not_found(schedule_id: str) -> ScheduleNotFound:
    return ScheduleNotFound(
        f"there is no schedule {schedule_id[:80]!r}", remedy="`rider schedule list` shows those that there are"
    )
