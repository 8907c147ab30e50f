"""The contract of a job backend with any transport. For authors of a `JobTransport`:

    class TestMyBroker(JobBackendContract):
        quiet_s = 0.5

        @pytest.fixture
        def backend(self, connection):
            backend = RedisJobBackend(connection, BrokerTransport(MyBroker()))
            yield backend
            backend.close()

`connection` is a Redis connection with `decode_responses=False` to a server that is empty before each test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
import redis

from rider_core.jobs import RedisJobBackend
from rider_core.jobs.store.declarations import CONSTANTS
from rider_core.jobs.store.functions import job_library
from rider_core.testing.jobs.admission import JobAdmissionContract
from rider_core.testing.jobs.batches import JobBatchContract
from rider_core.testing.jobs.harness import JobHarness
from rider_core.testing.jobs.life import JobLifeContract
from rider_core.testing.jobs.listing import JobListingContract
from rider_core.testing.jobs.order import JobOrderContract
from rider_core.testing.jobs.pauses import PausedQueuesContract
from rider_core.testing.jobs.recovery import JobRecoveryContract

__all__ = ["JobBackendContract", "JobHarness"]


class JobBackendContract(
    JobAdmissionContract,
    JobOrderContract,
    JobLifeContract,
    JobRecoveryContract,
    JobBatchContract,
    JobListingContract,
    PausedQueuesContract,
):
    """Subclass it, with a fixture `backend`.

    Attributes:
        quiet_s: Time in seconds without a job after which no further one arrives.
    """

    quiet_s: ClassVar[float] = 0.0

    @pytest.fixture
    def harness(self, backend: RedisJobBackend, connection: redis.Redis) -> Iterator[JobHarness]:
        harness = JobHarness(backend, connection, self.quiet_s)
        yield harness
        harness.close()

    @pytest.fixture
    def max_waiting(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Lanes are full with two jobs."""
        yield from _with_constant(monkeypatch, "MAX_WAITING", 2)

    @pytest.fixture
    def few_dead_letters(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Two dead letters are kept."""
        yield from _with_constant(monkeypatch, "DEAD_LETTERS_KEPT", 2)


def _with_constant(monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> Iterator[None]:
    monkeypatch.setitem(CONSTANTS, name, value)
    job_library.cache_clear()
    yield
    job_library.cache_clear()
