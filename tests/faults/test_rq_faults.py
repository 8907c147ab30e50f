"""The fault tests of all job backends, with RQ's lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.testing.jobs.faults import JobFaultContract

pytestmark = pytest.mark.slow


class TestOverRQ(JobFaultContract):
    @pytest.fixture
    def backend_on(self) -> Callable[[redis.Redis], RedisJobBackend]:
        return lambda connection: RedisJobBackend(connection, RQLists())

    @pytest.fixture
    def worker_environment(self) -> dict[str, str]:
        return {"TASK_QUEUE_BACKEND": RQLists.name}
