"""The scheduler's view of the schedules in Redis: what is due, and when it is due next.

How people change schedules is in `schedule_store`.
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
from rider_core.jobs.schedules import protocol
from rider_core.metrics import SCHEDULE_RUNS
from rider_core.redis_errors import redis_errors
from rider_core.redis_functions import ConnectionPool

#: A backend accepts the id of a job once while it knows the job: until ten minutes after its end, in seconds.
ID_KNOWN_S = 600
#: Delay in seconds after the due time from which a submitted job counts as late.
LATE_S = 1.0


class Submission(str, Enum):
    """What `DueStore.begin` found."""

    FIRST = protocol.FIRST
    AGAIN = protocol.AGAIN
    UNKNOWN = protocol.UNKNOWN
    GONE = protocol.GONE


@dataclass(frozen=True)
class Entry:
    """A schedule that is due, as it was read.

    Attributes:
        due: The due time, in seconds since the epoch.
        data: The schedule in JSON.
    """

    id: str
    due: int
    revision: str
    data: bytes

    @property
    def key(self) -> tuple[str, int]:
        return self.id, self.due

    @property
    def head(self) -> protocol.DueHead:
        return protocol.DueHead(self.id, self.due, self.revision)

    def schedule(self) -> Schedule:
        """Raises `InvalidInput` where what is stored is none."""
        return parse_json(Schedule, self.data)


class DueStore:
    """One scheduler's view. Every method raises `BackendUnavailable` where Redis cannot be reached."""

    def __init__(self, connection: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            connection: With `decode_responses=False`, and a socket timeout well above a second.
            clock: Seconds since the epoch.
        """
        self.connection = connection
        self.clock = clock
        self._functions = protocol.ScheduleFunctions(ConnectionPool(connection))
        self._last_change: bytes = b"0"

    def due(self, now: float) -> list[tuple[str, int]]:
        """Ids of the schedules that are due, with their due times, the earliest first."""
        with redis_errors():
            found: Any = self.connection.zrangebyscore(protocol.due_key(), "-inf", now, withscores=True)
        return [(schedule_id.decode("utf-8", "replace"), int(due)) for schedule_id, due in found]

    def due_after(self, now: float) -> list[tuple[str, int]]:
        """Ids of the schedules that will be due, with their due times."""
        with redis_errors():
            found: Any = self.connection.zrangebyscore(protocol.due_key(), f"({now}", "+inf", withscores=True)
        return [(schedule_id.decode("utf-8", "replace"), int(due)) for schedule_id, due in found]

    def next_due(self, now: float) -> float | None:
        """The first due time after `now`."""
        with redis_errors():
            found: Any = self.connection.zrangebyscore(
                protocol.due_key(), f"({now}", "+inf", start=0, num=1, withscores=True
            )
        return found[0][1] if found else None

    def read(self, schedule_id: str, due: int) -> Entry:
        """The schedule of a due time. Where it was changed or removed since, `begin` finds that out."""
        with redis_errors(), self.connection.pipeline(transaction=False) as pipeline:
            pipeline.hmget(protocol.schedule_key(schedule_id), ["schedule", "revision"])
            (fields,) = pipeline.execute(raise_on_error=False)
        if isinstance(fields, redis.ResponseError):  # a key of another type has no schedule
            fields = [None, None]
        data, revision = cast("list[bytes | None]", fields)
        return Entry(schedule_id, due, (revision or b"").decode("utf-8", "replace"), data or b"")

    def begin(self, entry: Entry) -> Submission:
        """Whether its job is to be submitted. To be called right before the submission."""
        with redis_errors():
            answer = self._functions.begin(protocol.BeginHead(*entry.head, self.clock(), ID_KNOWN_S))
        return Submission(answer.decode())

    def refused(self, entry: Entry) -> None:
        """Undo the first `begin` of a due time: the backend has certainly not accepted its job."""
        with redis_errors():
            self._functions.refused(protocol.DueHead(*entry.head))

    def advance(self, entry: Entry, next_due: int, fired: bool, missed: int, changed: Schedule | None = None) -> bool:
        """Replace the due time by the next one. False where another scheduler was faster.

        Args:
            changed: The schedule with another start of its intervals. None: it stays as it is.
        """
        now = self.clock()
        late = int(now - entry.due > LATE_S)
        data = "" if changed is None else changed.model_dump_json().encode()
        head = protocol.AdvanceHead(*entry.head, next_due, now if fired else "", late, missed, data)
        with redis_errors():
            advanced = bool(self._functions.advance(head))
        if advanced:
            SCHEDULE_RUNS.labels("missed").inc(missed)
            if fired:
                SCHEDULE_RUNS.labels("late" if late else "on_time").inc()
        return advanced

    def disable(self, entry: Entry, problem: str) -> bool:
        """Disable a schedule that cannot work. False where it was changed meanwhile."""
        with redis_errors():
            return bool(self._functions.disable(protocol.DisableHead(*entry.head, problem)))

    def wait_for_change(self, timeout_s: float) -> bool:
        """Wait for a change of any schedule since the last call that returned True. False after `timeout_s` seconds."""
        with redis_errors():
            # For XREAD 0 means "without a limit", so 1 ms is the shortest wait.
            changes: Any = self.connection.xread(
                {protocol.changes_key(): self._last_change}, block=max(1, int(timeout_s * 1000))
            )
        if not changes:
            return False
        self._last_change = changes[0][1][-1][0]
        return True
