"""Huey on Redis: pickle (it has no JSON), a blocking pop, each result taken out of the store when it is read.

`huey-notify` waits for results with BLPOP instead of polling: quicker to answer, more commands.
"""

from __future__ import annotations

from driving import PAYLOAD, POLL_S, RESULT, RESULT_TIMEOUT_S, Settings, connect, drive_handles
from huey import RedisHuey
from huey.api import Result

settings = Settings.read()
huey = RedisHuey(
    settings.queue,
    connection_pool=connect(settings.redis_url).connection_pool,
    notify_result=settings.peer == "huey-notify",
)


@huey.task()
def no_op(payload: str) -> int:
    return RESULT


def fetch(result: Result) -> object:
    return result.get(blocking=True, timeout=RESULT_TIMEOUT_S, max_delay=POLL_S)


def main() -> None:
    drive_handles("huey", lambda: no_op(PAYLOAD), fetch)
