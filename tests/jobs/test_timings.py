"""The engine's time limits come from the one object that its backend was given."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import redis

from rider_core.jobs import DEFAULT_TIMINGS, JobTimings, RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.store import keys
from rider_core.testing.jobs.faults.kill_points import FAST_TIMINGS
from rider_core.testing.jobs.harness import spec
from rider_core.testing.waiting import wait_until


def lease_left_s(connection: redis.Redis) -> float:
    ((_, until_ts),) = connection.zrange(keys.started_key("text"), 0, -1, withscores=True)
    return float(until_ts) - time.time()


def test_a_lease_lasts_as_long_as_was_said(connection: redis.Redis) -> None:
    backend = RedisJobBackend(connection, RQLists(), JobTimings(lease_s=300.0))
    backend.submit(spec())
    consumer = backend.consumer("w1", ["text"])
    (leased,) = consumer.dequeue()
    assert 290 < lease_left_s(connection) <= 300
    connection.zadd(keys.started_key("text"), {f"{leased.id}:{leased.execution}": time.time() + 1})
    assert consumer.heartbeat([leased]) == []
    assert 290 < lease_left_s(connection) <= 300
    consumer.close()


def test_a_worker_counts_as_long_as_was_said(connection: redis.Redis) -> None:
    connection.sadd("rq:workers", "rq:worker:w1")
    beat = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() - 60))
    connection.hset("rq:worker:w1", mapping={"last_heartbeat": beat, "rider_tasks": '["text.generate"]'})
    pubsub: Any = connection.pubsub
    listener = pubsub()
    listener.subscribe(keys.cancel_channel("w1"))
    listener.get_message(timeout=5)
    patient = RedisJobBackend(connection, RQLists(), JobTimings(worker_alive_s=120.0))
    assert patient.capacity()["text.generate"] == 1
    assert RedisJobBackend(connection, RQLists()).capacity()["text.generate"] == 0
    listener.close()
    wait_until(
        lambda: patient.capacity()["text.generate"] == 0, 2, what="the loss of a worker whose connection is closed"
    )


def test_heartbeats_may_fail_before_a_job_or_a_worker_is_given_up() -> None:
    for timings in (DEFAULT_TIMINGS, FAST_TIMINGS):
        assert timings.lease_s >= 4 * timings.heartbeat_s
        assert timings.worker_alive_s >= 3 * timings.heartbeat_s
    assert DEFAULT_TIMINGS.lease_s + 2 * DEFAULT_TIMINGS.heartbeat_s <= 30, "a dead worker's job comes back within 30 s"
    assert replace(FAST_TIMINGS, wait_recheck_s=9.0) != FAST_TIMINGS
