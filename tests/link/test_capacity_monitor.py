"""Changes of the workers' capacity are detected at once, also where a worker is killed and where Redis hangs."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
import redis
from link_harness import LinkHarness, install_test_plugins

from rider_core.errors import BackendUnavailable
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.link.capacity_monitor import POLL_EVERY_S, STALE_S, CapacityMonitor
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def monitor(connection: redis.Redis) -> Iterator[CapacityMonitor]:
    """A monitor with the product's time limits."""
    monitor = CapacityMonitor(RedisJobBackend(connection, RQLists()))
    monitor.start()
    wait_until(lambda: monitor.snapshot.polled_at)
    yield monitor
    monitor.stop()


def problem(monitor: CapacityMonitor) -> str:
    try:
        return "" if monitor.capacity()["voice.transcribe"] else "no worker"
    except BackendUnavailable as error:
        return str(error)


def test_a_killed_worker_is_missed_before_its_heartbeat_expires(
    monitor: CapacityMonitor, valkey: Valkey, processes: Processes
) -> None:
    install_test_plugins(processes, valkey)
    worker = processes.fork_worker("voice")
    wait_until(lambda: not problem(monitor))
    worker.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    wait_until(lambda: problem(monitor) == "no worker", 2)
    assert time.monotonic() - killed < 2 * POLL_EVERY_S + 0.5


def test_a_redis_that_hangs_counts_as_unavailable(monitor: CapacityMonitor, valkey: Valkey) -> None:
    assert problem(monitor) == "no worker"
    with valkey.paused():
        hung = time.monotonic()
        wait_until(lambda: "has not answered" in problem(monitor), 4)
        assert time.monotonic() - hung < STALE_S + POLL_EVERY_S + 0.3
    wait_until(lambda: problem(monitor) == "no worker", 5)


def test_a_killed_worker_fails_voice_over_within_two_seconds(harness: LinkHarness) -> None:
    worker = harness.start_worker()
    harness.link.start()
    wait_until(lambda: harness.link.describe()["state"] == "up" and not harness.link.describe()["problems"])
    assert harness.mode() == "pc"
    worker.send_signal(signal.SIGKILL)
    wait_until(lambda: harness.mode() == "local", 2, what="a failover of voice")
