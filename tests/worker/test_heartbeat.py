"""The heartbeat thread, which renews a worker's leases, on a real Valkey."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import redis

from rider_core.api import JobSpec, JobState
from rider_core.jobs import JobConsumer, RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.testing.waiting import wait_until
from rider_core.timing import ClockWatch, Stopwatch
from rider_core.worker.heartbeat import HeartbeatThread


@pytest.fixture
def backend(connection: redis.Redis) -> RedisJobBackend:
    return RedisJobBackend(connection, RQLists())


@pytest.fixture
def consumer(backend: RedisJobBackend) -> Iterator[JobConsumer]:
    consumer = backend.consumer("w1", ["text"])
    yield consumer
    consumer.close()


def test_a_cancellation_during_its_first_round_is_received(backend: RedisJobBackend, consumer: JobConsumer) -> None:
    """The worker has a job before the heartbeat thread has subscribed."""
    round_may_end = threading.Event()
    heartbeat = HeartbeatThread(consumer, lambda: round_may_end.wait(10) and None, lambda: None, timeout_s=60)
    heartbeat.start()
    job_id = backend.submit(JobSpec(task="text.generate", payload={"prompt": "long"}))
    (active,) = heartbeat.hold(consumer.dequeue())
    assert backend.cancel(job_id)
    round_may_end.set()
    # The next heartbeat, which would detect it, is 5 s later.
    wait_until(lambda: active.cancelled, 2)
    heartbeat.stop()


def test_a_clock_that_jumps_forward_takes_no_job_from_a_worker_that_lives(
    backend: RedisJobBackend, consumer: JobConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = HeartbeatThread(consumer, lambda: None, lambda: None, timeout_s=60)
    job_id = backend.submit(JobSpec(task="text.generate", payload={"prompt": "long"}))
    (leased,) = consumer.dequeue()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_400)
    heartbeat._clock = ClockWatch(steady=lambda: real() - 1_000)
    heartbeat._clock._offset -= 86_400  # it was made before the jump
    assert heartbeat._reap() == 0
    assert backend.get(job_id).state is JobState.RUNNING
    assert consumer.heartbeat([leased]) == []
    heartbeat._jumped = Stopwatch(time.monotonic() - consumer.timings.lease_s - 1)
    assert heartbeat._reap() == 0
    assert backend.get(job_id).state is JobState.RUNNING


def test_a_dead_workers_job_comes_back_though_the_clock_was_set_back(
    backend: RedisJobBackend, consumer: JobConsumer, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = backend.submit(JobSpec(task="text.generate", payload={"prompt": "long"}))
    consumer.dequeue()
    now = time.time() - 7_200
    monkeypatch.setattr(time, "time", lambda: now)
    assert consumer.reap() == 0
    monkeypatch.setattr(time, "time", lambda: now + consumer.timings.lease_s + 1)
    assert consumer.reap() == 1
    assert backend.get(job_id).state is JobState.WAITING
