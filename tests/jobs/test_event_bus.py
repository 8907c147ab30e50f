"""The event bus on a real Valkey."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
import redis

from rider_core.api import TextDelta
from rider_core.api.events import HOUSE_STREAM, JOB_STREAM_TTL_S, Event, job_stream
from rider_core.eventbus import EventBus, encode_event


def test_the_stream_is_bounded_and_losses_are_counted(connection: redis.Redis) -> None:
    """A subscriber that pauses during 12,000 events gets the newest, and the number of those that it missed."""
    bus = EventBus(connection, "test")
    bus.publish("process.status", n="before")
    dropped: list[int] = []
    end = time.monotonic() + 10
    subscriber = bus.subscribe(lambda: time.monotonic() > end, dropped.append)
    timer = threading.Timer(0.2, bus.publish, ["process.status"], {"n": "first"})
    timer.start()
    assert next(subscriber).data == {"n": "first"}
    for _ in range(11_999):
        bus.publish("process.status", n="many")
    bus.publish("process.status", n="last")
    received = list(itertools.takewhile(lambda event: event.data != {"n": "last"}, subscriber))
    assert connection.xlen(HOUSE_STREAM) < 2_500
    assert sum(dropped) > 5_000
    assert len(received) + sum(dropped) == 11_999
    timer.join()


def test_events_of_one_entry_arrive_one_by_one(connection: redis.Redis) -> None:
    """The job engine writes the events of several jobs into one entry; malformed lines are left out."""
    bus = EventBus(connection, "test")
    lines = [encode_event(Event(kind="process.status", ts=1.0, data={"n": n}))[b"event"] for n in range(3)]
    connection.xadd(HOUSE_STREAM, {b"event": b"\n".join([lines[0], b"no event", *lines[1:]])})
    assert [event.data["n"] for event in bus.recent(10)] == [0, 1, 2]
    assert [event.data["n"] for event in bus.recent(2)] == [1, 2]


def test_what_a_slow_follower_has_not_read_stays(connection: redis.Redis) -> None:
    bus = EventBus(connection, "test")
    for n in range(5):
        bus.publish_partial("j", TextDelta(seq=n, text=str(n)))
    connection.expire(job_stream("j"), 10)
    following = bus.follow("j", 5, read_count=2)
    assert [next(following).data["seq"] for _ in range(2)] == [0, 1]
    assert 100 < int(connection.ttl(job_stream("j"))) <= JOB_STREAM_TTL_S
    connection.expire(job_stream("j"), 10)
    assert next(following).data["seq"] == 2
    assert 100 < int(connection.ttl(job_stream("j"))) <= JOB_STREAM_TTL_S


def test_on_idle_is_called_while_no_event_comes(connection: redis.Redis) -> None:
    class Enough(Exception):
        pass

    def look_up() -> None:
        raise Enough

    bus = EventBus(connection, "test")
    bus.publish_partial("j", TextDelta(seq=0, text="a word"))
    following = bus.follow("j", 30, on_idle=look_up)
    assert next(following).data["text"] == "a word"
    with pytest.raises(Enough):
        next(following)
