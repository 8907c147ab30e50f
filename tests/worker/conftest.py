"""Fixtures of the tests with real workers."""

from __future__ import annotations

import pytest
import redis
from worker_harness import WorkerHarness

from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey


@pytest.fixture
def harness(processes: Processes, valkey: Valkey, connection: redis.Redis) -> WorkerHarness:
    return WorkerHarness(processes, valkey, connection)
