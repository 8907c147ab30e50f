"""The keys of schedules in Redis, and the scripts that change them: nothing, where somebody else was faster."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import redis

from rider_core.redis_errors import redis_errors

#: rq-scheduler's sorted set under a name of our own: its own program would remove what it does not know from it.
DUE = "rider:schedules:due"
KNOWN = "rider:schedules"
REVISIONS = "rider:schedules:revisions"
#: Stream that every change touches, so that schedulers look again.
BELL = "rider:schedules:bell"


def key_of(schedule_id: str) -> str:
    """A schedule's hash: the schedule in JSON, its revision, its figures, and what went wrong."""
    return f"rider:schedule:{schedule_id}"


def run(connection: redis.Redis, script: str, *arguments: Any) -> Any:
    """What the script `lua/<script>.lua` returns. Raises `BackendUnavailable`."""
    with redis_errors():
        return connection.register_script(_source(script))(args=arguments)


@cache
def _source(name: str) -> str:
    folder = files(__package__) / "lua"
    constants = {"DUE": DUE, "KNOWN": KNOWN, "REVISIONS": REVISIONS, "BELL": BELL}
    head = "".join(f"local {constant} = '{value}'\n" for constant, value in constants.items())
    return head + (folder / "common.lua").read_text() + (folder / f"{name}.lua").read_text()
