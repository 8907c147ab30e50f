"""The contract between Python and the Lua functions of the schedules: keys, arguments, and answers, declared once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from rider_core.redis_functions import ConnectionPool, Function, Key, Library, Signature, lua_value

due_key = Key(
    "due_key",
    "rider:schedules:due",
    "sorted set",
    "kept",
    "ids by their next due time; rq-scheduler's set under a name of our own: its program would remove what is not its",
)
ids_key = Key("ids_key", "rider:schedules", "set", "kept", "ids of all schedules")
revisions_key = Key("revisions_key", "rider:schedules:revisions", "string", "kept", "the last revision that was given")
changes_key = Key("changes_key", "rider:schedules:changes", "stream", "kept", "each change: schedulers look again")
schedule_key = Key(
    "schedule_key", "rider:schedule:{id}", "hash", "kept", "a schedule in JSON, its revision, counters, and its problem"
)
KEYS = (due_key, ids_key, revisions_key, changes_key, schedule_key)

# What `begin` answers: no job was submitted for this due time; one may have been, and the backend still knows it; or
# the backend may have forgotten it; or the schedule was changed, or another scheduler was faster.
FIRST, AGAIN, UNKNOWN, GONE = "first", "again", "unknown", "gone"
# What `put` answers.
STORED, OTHER_REVISION, TOO_MANY = 1, 0, -1
_CONSTANTS = {
    "FIRST": FIRST,
    "AGAIN": AGAIN,
    "UNKNOWN": UNKNOWN,
    "GONE": GONE,
    "STORED": STORED,
    "OTHER_REVISION": OTHER_REVISION,
    "TOO_MANY": TOO_MANY,
}


class DueHead(NamedTuple):
    """A schedule's due time, as it was read."""

    id: str
    due: int
    revision: str


class BeginHead(NamedTuple):
    """`DueHead`, and the time.

    Attributes:
        known_s: Time in seconds for which a backend certainly knows a job.
    """

    id: str
    due: int
    revision: str
    now: float
    known_s: int


class AdvanceHead(NamedTuple):
    """`DueHead`, and what replaces it.

    Attributes:
        submitted_ts: When its job was submitted; empty: it was not.
        late: It was submitted late ("1").
        missed: Number of due times that pass without a job.
        changed: The schedule in JSON; empty: it stays as it is.
    """

    id: str
    due: int
    revision: str
    next_due: int
    submitted_ts: float | str
    late: int
    missed: int
    changed: bytes | str


class DisableHead(NamedTuple):
    id: str
    due: int
    revision: str
    problem: str


class PutHead(NamedTuple):
    """
    Attributes:
        due: When it is due next; empty: never.
        replaced: The revision that it takes the place of; empty: any; "0": there is none yet.
        limit: Largest number of schedules.
    """

    id: str
    data: bytes
    due: int | str
    replaced: str
    limit: int


class ScheduleHead(NamedTuple):
    id: str


BEGIN = Signature("begin", BeginHead)
REFUSED = Signature("refused", DueHead)
ADVANCE = Signature("advance", AdvanceHead)
DISABLE = Signature("disable", DisableHead)
PUT = Signature("put", PutHead)
REMOVE = Signature("remove", ScheduleHead)
_SIGNATURES = (BEGIN, REFUSED, ADVANCE, DISABLE, PUT, REMOVE)


@cache
def schedule_library() -> Library:
    constants = "".join(f"local {name} = {lua_value(value)}\n" for name, value in _CONSTANTS.items())
    folder = files(__package__) / "lua"
    parts = [(folder / f"{name}.lua").read_text() for name in ("common", *[it.name for it in _SIGNATURES])]
    return Library.build("rider_schedules", constants + "".join(key.to_lua() for key in KEYS), parts, _SIGNATURES)


class ScheduleFunctions:
    """The functions, on a connection pool. Each changes nothing where the schedule was changed meanwhile."""

    def __init__(self, pool: ConnectionPool) -> None:
        library = schedule_library()
        self.begin = Function(pool, library, BEGIN)
        self.refused = Function(pool, library, REFUSED)
        self.advance = Function(pool, library, ADVANCE)
        self.disable = Function(pool, library, DISABLE)
        self.put = Function(pool, library, PUT)
        self.remove = Function(pool, library, REMOVE)
