"""The event bus on a real Valkey."""

from __future__ import annotations

import itertools
import threading
import time

import redis

from rider_core.api.events import HOUSE_STREAM
from rider_core.eventbus import EventBus


def test_the_house_stream_is_bounded_and_losses_are_counted(connection: redis.Redis) -> None:
    """A listener that sleeps while 12,000 events are said hears the newest, and how many it missed."""
    bus = EventBus(connection, "test")
    bus.publish("process.status", n="before")
    dropped: list[int] = []
    end = time.monotonic() + 10
    listener = bus.listen(lambda: time.monotonic() > end, dropped.append)
    timer = threading.Timer(0.2, bus.publish, ["process.status"], {"n": "first"})
    timer.start()
    assert next(listener).data == {"n": "first"}
    for _ in range(11_999):
        bus.publish("process.status", n="many")
    bus.publish("process.status", n="last")
    heard = list(itertools.takewhile(lambda event: event.data != {"n": "last"}, listener))
    assert connection.xlen(HOUSE_STREAM) < 6_000
    assert sum(dropped) > 5_000
    assert len(heard) + sum(dropped) == 11_999
    timer.join()
