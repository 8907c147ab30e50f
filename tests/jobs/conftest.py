"""A backend with RQ's lists on a real Valkey, and its harness. Tests of other transports have their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from schedule_harness import ScheduleHarness

from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.testing.jobs import JobHarness


@pytest.fixture
def backend(connection: redis.Redis) -> Iterator[RedisJobBackend]:
    backend = RedisJobBackend(connection, RQLists())
    yield backend
    backend.close()


@pytest.fixture
def harness(backend: RedisJobBackend, connection: redis.Redis) -> Iterator[JobHarness]:
    harness = JobHarness(backend, connection)
    yield harness
    harness.close()


@pytest.fixture
def scheduling(connection: redis.Redis) -> ScheduleHarness:
    return ScheduleHarness(connection)
