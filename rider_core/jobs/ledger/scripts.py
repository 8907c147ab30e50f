"""Loads the Lua scripts, with the constants that they share with Python filled in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import redis

from rider_core.api.events import HOUSE_STREAM_LENGTH, JOB_STREAM_LENGTH, JOB_STREAM_TTL_S
from rider_core.jobs.ledger import keys

CONSTANTS = {
    "BUCKETS_MS": "{" + ", ".join(map(str, keys.BUCKETS_MS)) + "}",
    "HOUSE_STREAM_LENGTH": HOUSE_STREAM_LENGTH,
    "JOB_STREAM_LENGTH": JOB_STREAM_LENGTH,
    "JOB_STREAM_TTL_S": JOB_STREAM_TTL_S,
    "RECENT_LENGTH": keys.RECENT_LENGTH,
    "RESULT_TTL_S": keys.RESULT_TTL_S,
    "DEAD_LETTER_TTL_S": keys.DEAD_LETTER_TTL_S,
    "DEAD_LETTERS_KEPT": keys.DEAD_LETTERS_KEPT,
    "NEWEST_TTL_S": keys.NEWEST_TTL_S,
    "MAX_WAITING": keys.MAX_WAITING,
}


class Scripts:
    """The scripts, bound to a connection; each is a callable that takes `args` and, for a pipeline, `client`."""

    def __init__(self, connection: redis.Redis, broker: bool = False) -> None:
        """
        Args:
            broker: A message broker carries the jobs, not RQ's lists.
        """

        def load(name: str) -> Any:
            return connection.register_script(source(name, broker))

        self.submit = load("submit")
        self.take = load("take")
        self.claim = load("claim")
        self.heartbeat = load("heartbeat")
        self.progress = load("progress")
        self.finish = load("finish")
        self.reap = load("reap")
        self.cancel = load("cancel")
        self.requeue = load("requeue")
        self.purge = load("purge")
        self.overdue = load("overdue")
        self.withdraw = load("withdraw")


@cache
def source(name: str, broker: bool) -> str:
    folder = files(__package__) / "lua"
    constants = "".join(f"local {constant} = {value}\n" for constant, value in CONSTANTS.items())
    constants += f"local BROKER = {str(broker).lower()}\n"
    return constants + (folder / "common.lua").read_text() + (folder / f"{name}.lua").read_text()
