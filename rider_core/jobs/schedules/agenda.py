"""What a scheduler does with the schedules in Redis: read what is due, and go on to the next due time.

How people change them is in `book`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import redis

from rider_core.api.messages import parse_json
from rider_core.api.schedules import Schedule
from rider_core.jobs.schedules import scripts
from rider_core.redis_errors import redis_errors

#: A backend takes a job's id once as long as it knows the job: until ten minutes after its end.
ID_KNOWN_S = 600
#: A job that was handed over so long after its due time counts as late.
LATE_S = 1.0


class Begun(str, Enum):
    """What `Agenda.begin` found."""

    FIRST = "first"
    AGAIN = "again"
    DOUBTFUL = "doubtful"
    GONE = "gone"


@dataclass(frozen=True)
class Entry:
    """A schedule that is due, as it was read."""

    id: str
    due: int
    revision: str
    data: bytes

    @property
    def key(self) -> tuple[str, int]:
        return self.id, self.due

    def schedule(self) -> Schedule:
        """Raises `InvalidInput` where what is stored is none."""
        return parse_json(Schedule, self.data)


class Agenda:
    """One scheduler's view. Every method raises `BackendUnavailable` where Redis cannot be reached."""

    def __init__(self, connection: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            connection: With `decode_responses=False`, and a socket timeout well above a second.
            clock: Seconds since the epoch.
        """
        self.connection = connection
        self.clock = clock
        self._rung: bytes = b"0"

    def due(self, now: float) -> list[tuple[str, int]]:
        """Ids of the schedules that are due, with their due times, the earliest first."""
        with redis_errors():
            found: Any = self.connection.zrangebyscore(scripts.DUE, "-inf", now, withscores=True)
        return [(schedule_id.decode("utf-8", "replace"), int(due)) for schedule_id, due in found]

    def due_after(self, now: float) -> list[tuple[str, int]]:
        """Ids of the schedules that will be due, with their due times."""
        with redis_errors():
            found: Any = self.connection.zrangebyscore(scripts.DUE, f"({now}", "+inf", withscores=True)
        return [(schedule_id.decode("utf-8", "replace"), int(due)) for schedule_id, due in found]

    def next_due(self, now: float) -> float | None:
        """The first due time after `now`."""
        with redis_errors():
            found: Any = self.connection.zrangebyscore(scripts.DUE, f"({now}", "+inf", start=0, num=1, withscores=True)
        return found[0][1] if found else None

    def read(self, schedule_id: str, due: int) -> Entry:
        """What is to be done at a due time. Where that is gone already, the next step will find it."""
        with redis_errors(), self.connection.pipeline(transaction=False) as pipeline:
            pipeline.hmget(scripts.key_of(schedule_id), ["schedule", "revision"])
            (fields,) = pipeline.execute(raise_on_error=False)
        if isinstance(fields, redis.ResponseError):  # another kind of thing: what is to be done will find no schedule
            fields = [None, None]
        data, revision = cast("list[bytes | None]", fields)
        return Entry(schedule_id, due, (revision or b"").decode("utf-8", "replace"), data or b"")

    def begin(self, entry: Entry) -> Begun:
        """To be asked right before the job is handed over: whether that is still to be done."""
        return Begun(self._run("begin", entry, self.clock(), ID_KNOWN_S).decode())

    def refused(self, entry: Entry) -> None:
        """The attempt whose `begin` was the first has certainly brought no job."""
        self._run("refused", entry)

    def advance(self, entry: Entry, to: int, fired: bool, missed: int, anew: Schedule | None = None) -> bool:
        """Go on to the due time `to`. False where somebody else was faster.

        Args:
            anew: The schedule with another beginning of its intervals. None: it stays as it is.
        """
        now = self.clock()
        late = int(now - entry.due > LATE_S)
        stored = "" if anew is None else anew.model_dump_json().encode()
        return bool(self._run("advance", entry, to, now if fired else "", late, missed, stored))

    def disable(self, entry: Entry, problem: str) -> bool:
        """It cannot work. False where it was changed meanwhile."""
        return bool(self._run("disable", entry, problem))

    def wait_for_change(self, timeout_s: float) -> bool:
        """True as soon as a schedule was changed since the last call that said so; False after `timeout_s` seconds."""
        with redis_errors():
            # XREAD takes 0 for "without end", so 1 ms is the shortest wait.
            rung: Any = self.connection.xread({scripts.BELL: self._rung}, block=max(1, int(timeout_s * 1000)))
        if not rung:
            return False
        self._rung = rung[0][1][-1][0]
        return True

    def _run(self, script: str, entry: Entry, *arguments: Any) -> Any:
        return scripts.run(self.connection, script, entry.id, entry.due, entry.revision, *arguments)
