"""The job store's Redis functions. The files in `lua` and those of one transport are put together to one library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from rider_core.jobs.store import protocol
from rider_core.jobs.store.declarations import declarations
from rider_core.jobs.store.metadata import with_metadata
from rider_core.jobs.store.records import DAMAGED, LOST
from rider_core.redis_functions import ConnectionPool, Function, Library, Signature

#: The problem of a job whose worker died, as the functions take it.
LOST_JSON = LOST.model_dump_json()
#: What all functions share: the first files stand before those of the transport, the others behind them.
SHARED_FIRST = ("records", "metrics", "events")
SHARED = ("endings", "leases")


@cache
def job_library(kind: str, package: str, own: tuple[str, ...], own_signatures: tuple[Signature, ...]) -> Library:
    """The functions for one transport.

    Args:
        kind: The first part of their names.
        package: Where the transport's folder `lua` is. Its `waiting.lua` says where jobs wait.
        own: Its other files that functions use.
        own_signatures: Its own functions, each in a file of its name.
    """

    def store(names: Sequence[str]) -> list[str]:
        return [with_metadata(_read(__package__, name)) for name in names]

    return Library.build(
        kind,
        declarations({"DAMAGED": DAMAGED.model_dump_json(), "LOST": LOST_JSON}),
        [
            *store(SHARED_FIRST),
            _read(package, "waiting"),
            *store(SHARED),
            *[_read(package, name) for name in own],
            *store(["run", *[it.name for it in protocol.SIGNATURES]]),
            *[_read(package, it.name) for it in own_signatures],
        ],
        [*protocol.SIGNATURES, *own_signatures],
    )


def _read(package: str, name: str) -> str:
    return (files(package) / "lua" / f"{name}.lua").read_text()


class JobFunctions:
    """The functions of every transport, on a connection pool."""

    def __init__(self, pool: ConnectionPool, library: Library) -> None:
        self.pool = pool
        self.submit = Function(pool, library, protocol.SUBMIT)
        self.finish = Function(pool, library, protocol.FINISH)
        self.store_items = Function(pool, library, protocol.STORE_ITEMS)
        self.heartbeat = Function(pool, library, protocol.HEARTBEAT)
        self.reap = Function(pool, library, protocol.REAP)
        self.mark_idle = Function(pool, library, protocol.MARK_IDLE)
        self.cancel = Function(pool, library, protocol.CANCEL)
        self.requeue = Function(pool, library, protocol.REQUEUE)
        self.purge = Function(pool, library, protocol.PURGE)
