"""The ledger's Redis functions: Lua that is loaded once, where a script's closures are made anew at each call.

The files in `lua` are put together to one library for each carrier. Its name and those of its functions carry a digest
of its source, so that processes of several versions can work side by side.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import redis

from rider_core.api.events import EVENTS_TOGETHER, HOUSE_STREAM_LENGTH, JOB_STREAM_LENGTH, JOB_STREAM_TTL_S
from rider_core.errors import BackendUnavailable
from rider_core.jobs.ledger import keys
from rider_core.jobs.ledger.codec import DAMAGED, LOST, RECORD_FIELDS, packed_trace
from rider_core.jobs.ledger.line import Command, Line, Wire

#: What the functions share, in the order in which it is put together.
SHARED = ("records", "figures", "events", "lanes", "endings", "leases", "hands", "run")
#: Libraries of other versions that are left alone: processes of these may be at work.
OTHERS_KEPT = 3
#: Longer records are not sent along when a job's end is told.
MAX_TOLD_BYTES = 16_384
#: Numbers that are only handed on to Redis are texts already: to write one in Lua costs more than to pass it on.
CONSTANTS: dict[str, Any] = {
    "HOUSE_STREAM_LENGTH": str(HOUSE_STREAM_LENGTH),
    "EVENTS_TOGETHER": EVENTS_TOGETHER,
    "JOB_STREAM_LENGTH": str(JOB_STREAM_LENGTH),
    "JOB_STREAM_TTL_S": str(JOB_STREAM_TTL_S),
    "RECENT_TRIMMED_FROM": keys.RECENT_LENGTH + 50,
    "RECENT_LAST": str(keys.RECENT_LENGTH - 1),
    "RESULT_TTL_S": str(keys.RESULT_TTL_S),
    "DEAD_LETTER_TTL_S": str(keys.DEAD_LETTER_TTL_S),
    "NEWEST_TTL_S": str(keys.NEWEST_TTL_S),
    "HAND_TTL_S": keys.HAND_TTL_S,
    "EXECUTION_TTL_S": str(keys.EXECUTION_TTL_S),
    "DEAD_LETTERS_KEPT": keys.DEAD_LETTERS_KEPT,
    "MAX_WAITING": keys.MAX_WAITING,
    "MAX_TOLD_BYTES": MAX_TOLD_BYTES,
    "LONG_DATA_BYTES": keys.LONG_DATA_BYTES,
    "BUCKETS_MS": keys.BUCKETS_MS,
    "RECORD_FIELDS": RECORD_FIELDS,
    "DAMAGED": DAMAGED.model_dump_json(),
    "DAMAGED_TRACE": packed_trace(DAMAGED.message),
    "LOST_TRACE": packed_trace(LOST.message),
}


@dataclass(frozen=True)
class Library:
    """The functions for one carrier, as they are loaded.

    Attributes:
        kind: What the names of all versions begin with.
        name: Kind and digest.
    """

    kind: str
    name: str
    source: str

    @classmethod
    @cache
    def of(cls, broker: bool) -> Library:
        """
        Args:
            broker: A message broker carries the jobs, not RQ's lists.
        """
        constants = {**CONSTANTS, "BROKER": broker}
        parts = [f"local {name} = {_in_lua(value)}\n" for name, value in constants.items()]
        folder = files(__package__) / "lua"
        parts += [(folder / f"{name}.lua").read_text() for name in (*SHARED, *NAMES)]
        body = "\n".join(parts)
        kind = "rider_broker" if broker else "rider_rq"
        name = f"{kind}_{hashlib.sha256(body.encode()).hexdigest()[:8]}"
        registered = "".join(
            f"redis.register_function('{name}_{function}', function(_, args) return run({function}, args) end)\n"
            for function in NAMES
        )
        return cls(kind, name, f"#!lua name={name}\n{body}\n{registered}")

    def load(self, line: Line | Wire) -> None:
        """Hand it to Redis. Where other versions have left many there, they are removed; who still needs one loads it.

        Raises:
            redis.RedisError: Redis cannot be reached, or refuses.
        """
        line.call("FUNCTION", "LOAD", "REPLACE", self.source)
        listed = line.call("FUNCTION", "LIST", "LIBRARYNAME", f"{self.kind}_*")
        others = {library[b"library_name"].decode() for library in listed} - {self.name}
        if len(others) > OTHERS_KEPT:
            line.exchange([("FUNCTION", "DELETE", other) for other in others])  # somebody else may have been faster


@dataclass(frozen=True)
class Function:
    """One of the library's functions."""

    line: Line
    library: Library
    name: str

    def __call__(self, args: Sequence[Any], wire: Wire | None = None) -> Any:
        """What it returns. Raises `redis.RedisError`.

        Args:
            wire: The connection to call it on; None: any of the line.
        """
        (answer,) = together([(self, args)], wire)
        return answer

    def command(self, args: Sequence[Any]) -> Command:
        return ("FCALL", self.name, 0, *args)


def together(
    calls: Sequence[tuple[Function, Sequence[Any]]],
    wire: Wire | None = None,
    on_sent: Callable[[], None] | None = None,
) -> list[Any]:
    """What several functions return that are called at once. Raises `redis.RedisError`.

    Where Redis does not know one (any more), that one is called again once it is loaded; the others are not.

    Args:
        wire: The connection to call them on; None: any of the first one's line.
        on_sent: As `Wire.exchange` has it.
    """
    line = wire or calls[0][0].line
    answers = line.exchange([function.command(args) for function, args in calls], on_sent)
    for number, (function, args) in enumerate(calls):
        error = answers[number]
        if isinstance(error, redis.ResponseError):
            if str(error) != "Function not found":
                raise _explained(error)
            function.library.load(line)
            answers[number] = line.call(*function.command(args))
    return answers


class Functions:
    """All functions, bound to a line. Each has its file in `lua`."""

    submit: Function
    take: Function
    claim: Function
    begin: Function
    finish: Function
    progress: Function
    heartbeat: Function
    reap: Function
    rest: Function
    cancel: Function
    requeue: Function
    purge: Function
    overdue: Function
    withdraw: Function

    def __init__(self, line: Line, broker: bool = False) -> None:
        """
        Args:
            broker: A message broker carries the jobs, not RQ's lists.
        """
        library = Library.of(broker)
        for name in NAMES:
            setattr(self, name, Function(line, library, f"{library.name}_{name}"))


NAMES = tuple(Functions.__annotations__)


def _explained(error: redis.ResponseError) -> Exception:
    """Before 7.0 Redis has no functions."""
    if "unknown command" in str(error):
        return BackendUnavailable(f"this Redis is too old: {error}", remedy="use Redis 7.0 or newer, or Valkey")
    return error


def _in_lua(value: Any) -> str:
    """A constant as Lua writes it."""
    if isinstance(value, tuple):
        return "{" + ", ".join(map(_in_lua, value)) + "}"
    return json.dumps(value)
