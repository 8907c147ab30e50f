"""Libraries of Redis functions: Lua that is loaded once, where a script's closures are created anew at each call.

A library is put together from declarations and files. Its name and those of its functions carry a digest of its source,
so that processes of several versions can work side by side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import redis

from rider_core.errors import BackendUnavailable
from rider_core.redis_functions.connections import Command, Connection, ConnectionPool
from rider_core.redis_functions.signature import Signature

#: Libraries of other versions that are left in Redis: processes of these may be at work.
OLD_LIBRARIES_KEPT = 3


@dataclass(frozen=True)
class Library:
    """
    Attributes:
        kind: What the names of all versions begin with.
        name: Kind and digest.
        source: As it is loaded.
    """

    kind: str
    name: str
    source: str

    @classmethod
    def build(cls, kind: str, declarations: str, parts: Sequence[str], signatures: Sequence[Signature]) -> Library:
        """
        Args:
            declarations: Lua that was generated from what Python declares.
            parts: The Lua files, in an order in which each uses only what stands before it. A function `run(call,
                args)` in one of them is called in the place of each function, with what calls it.

        Raises:
            ValueError: the head of a function is not as its signature says.
        """
        body = "\n".join([declarations, *parts])
        for signature in signatures:
            if signature.head_in_lua() not in body:
                raise ValueError(f"the library {kind} has no {signature.head_in_lua()!r}")
        body += "\n" + "\n".join(signature.to_lua() for signature in signatures)
        name = f"{kind}_{hashlib.sha256(body.encode()).hexdigest()[:8]}"
        call = "run(call_{0}, args)" if "local function run(" in body else "call_{0}(args)"
        registered = "".join(
            f"redis.register_function('{name}_{it.name}', function(_, args) return {call.format(it.name)} end)\n"
            for it in signatures
        )
        return cls(kind, name, f"#!lua name={name}\n{body}\n{registered}")

    def load(self, pool: ConnectionPool | Connection) -> None:
        """Load it into Redis. Where more than `OLD_LIBRARIES_KEPT` other versions are there, these are removed; a
        process that still needs one loads it again.

        Raises:
            redis.RedisError: Redis cannot be reached, or refuses.
        """
        pool.call("FUNCTION", "LOAD", "REPLACE", self.source)
        listed = pool.call("FUNCTION", "LIST", "LIBRARYNAME", f"{self.kind}_*")
        others = {library[b"library_name"].decode() for library in listed} - {self.name}
        if len(others) > OLD_LIBRARIES_KEPT:
            pool.exchange([("FUNCTION", "DELETE", other) for other in others])  # another process may have been faster


class Function:
    """One of a library's functions, on a connection pool."""

    def __init__(self, pool: ConnectionPool, library: Library, signature: Signature) -> None:
        self.pool = pool
        self.library = library
        self.signature = signature
        self.name = f"{library.name}_{signature.name}"

    def __call__(
        self, head: tuple[Any, ...] = (), items: Sequence[Any] = (), connection: Connection | None = None
    ) -> Any:
        """Call it and return its answer. Raises `redis.RedisError`.

        Args:
            connection: None: any of the pool.
        """
        (answer,) = call_together([self.prepare(head, items)], connection)
        return answer

    def prepare(self, head: tuple[Any, ...] = (), items: Sequence[Any] = ()) -> Call:
        """A call for `call_together`; it is not sent yet."""
        return Call(self, ("FCALL", self.name, 0, *self.signature.arguments(head, items)))


class Call(NamedTuple):
    """A function with its arguments."""

    function: Function
    command: Command


def call_together(
    calls: Sequence[Call], connection: Connection | None = None, on_sent: Callable[[], None] | None = None
) -> list[Any]:
    """Call several functions in one round trip, and return their answers. Raises `redis.RedisError`.

    A function that Redis does not know (any more) is called again after its library was loaded; the others are not.

    Args:
        connection: None: any of the first function's pool.
        on_sent: As for `Connection.exchange`.
    """
    pool = connection or calls[0].function.pool
    answers = pool.exchange([call.command for call in calls], on_sent)
    for number, call in enumerate(calls):
        error = answers[number]
        if isinstance(error, redis.ResponseError):
            if str(error) != "Function not found":
                raise _explained(error)
            call.function.library.load(pool)
            answers[number] = pool.call(*call.command)
    return answers


def _explained(error: redis.ResponseError) -> Exception:
    """Before 7.0 Redis has no functions."""
    if "unknown command" in str(error):
        return BackendUnavailable(f"this Redis is too old: {error}", remedy="use Redis 7.0 or newer, or Valkey")
    return error
