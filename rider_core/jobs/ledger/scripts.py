"""Loads the Lua scripts, with the constants that they share with Python filled in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import redis
from redis.exceptions import NoScriptError

from rider_core.api.events import HOUSE_STREAM_LENGTH, JOB_STREAM_LENGTH, JOB_STREAM_TTL_S
from rider_core.jobs.ledger import keys
from rider_core.jobs.ledger.line import Command, Line

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


@dataclass(frozen=True)
class Script:
    """A Lua script. It is sent by its digest; Redis keeps the source until it is restarted."""

    line: Line
    source: str
    sha: str

    def __call__(self, args: Sequence[Any]) -> Any:
        """What it returns. Raises `redis.RedisError`."""
        (answer,) = together([(self, args)])
        return answer

    def command(self, args: Sequence[Any]) -> Command:
        return ("EVALSHA", self.sha, 0, *args)


def together(calls: Sequence[tuple[Script, Sequence[Any]]]) -> list[Any]:
    """What several scripts return that are sent at once, on the line of the first. Raises `redis.RedisError`.

    Where Redis does not know one (any more), that one is run again once it has its source; the others are not.
    """
    line = calls[0][0].line
    answers = line.call_together([script.command(args) for script, args in calls])
    for number, (script, args) in enumerate(calls):
        if isinstance(answers[number], NoScriptError):
            line.call("SCRIPT", "LOAD", script.source)
            answers[number] = line.call(*script.command(args))
        elif isinstance(answers[number], redis.ResponseError):
            raise answers[number]
    return answers


class Scripts:
    """All scripts, bound to a line."""

    def __init__(self, line: Line, broker: bool = False) -> None:
        """
        Args:
            broker: A message broker carries the jobs, not RQ's lists.
        """

        def load(name: str) -> Script:
            text = source(name, broker)
            return Script(line, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())

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
