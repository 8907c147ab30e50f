"""The faults that a job backend survives with any transport. For authors of a `JobTransport`:

    class TestMyBroker(JobFaultContract):

        @pytest.fixture
        def backend_on(self):
            transport = MyBroker()
            yield lambda connection: RedisJobBackend(connection, BrokerTransport(transport))
            transport.close()

        @pytest.fixture
        def worker_environment(self):
            return {"TASK_QUEUE_BACKEND": "my-broker", "RIDER_PLUGINS_DISABLED": ""}

The tests kill a Valkey and workers of their own. Engines record their calls outside the job engine (`engine`,
`journal`); after each fault these are compared with the records of the jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from rider_core.jobs import RedisJobBackend
from rider_core.runtime.redis_connection import connect
from rider_core.testing.jobs.faults.at_random import RandomKillFaults
from rider_core.testing.jobs.faults.disk_full import DiskFullFaults
from rider_core.testing.jobs.faults.harness import FaultHarness
from rider_core.testing.jobs.faults.kills import WorkerKillFaults
from rider_core.testing.jobs.faults.lost_replies import LostReplyFaults
from rider_core.testing.jobs.faults.poison import PoisonFaults
from rider_core.testing.jobs.faults.redis_away import RedisAwayFaults
from rider_core.testing.jobs.faults.stops import WorkerStopFaults
from rider_core.testing.jobs.faults.together import TogetherFaults
from rider_core.testing.jobs.faults.unwanted import UnwantedFaults
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey

__all__ = ["FaultHarness", "JobFaultContract"]


class JobFaultContract(
    WorkerKillFaults,
    WorkerStopFaults,
    TogetherFaults,
    UnwantedFaults,
    PoisonFaults,
    RedisAwayFaults,
    LostReplyFaults,
    DiskFullFaults,
    RandomKillFaults,
):
    """Subclass it, with the fixtures `backend_on` and `worker_environment`."""

    @pytest.fixture
    def backend_on(self) -> Callable[[redis.Redis], RedisJobBackend]:
        """Returns a function that makes a backend on a connection. The fixture closes what the backend needs."""
        raise NotImplementedError

    @pytest.fixture
    def worker_environment(self) -> dict[str, str]:
        """The environment in which a worker serves such a backend."""
        raise NotImplementedError

    @pytest.fixture
    def data_folder(self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Where Valkey's files are; a test may name another fixture that makes it."""
        special = getattr(request, "param", None)
        return Path(request.getfixturevalue(special)) if special else tmp_path_factory.mktemp("v")

    @pytest.fixture
    def valkey(self, data_folder: Path) -> Iterator[Valkey]:
        server = Valkey(data_folder)
        yield server
        server.stop()

    @pytest.fixture
    def connection(self, valkey: Valkey) -> Iterator[redis.Redis]:
        connection = connect(valkey.url)
        yield connection
        connection.close()

    @pytest.fixture
    def harness(
        self,
        backend_on: Callable[[redis.Redis], RedisJobBackend],
        connection: redis.Redis,
        valkey: Valkey,
        tmp_path: Path,
        worker_environment: dict[str, str],
    ) -> Iterator[FaultHarness]:
        processes = Processes(tmp_path)
        yield FaultHarness(backend_on(connection), connection, valkey, processes, worker_environment)
        processes.end_all()
        if processes.has_log():  # pytest shows it where the test failed
            print(processes.log()[-8_000:])
