"""Workers in processes of their own with the engine of `probe`, and a backend to submit jobs."""

from __future__ import annotations

import probe
import redis
from rq import Worker

from rider_core.api import JobSpec
from rider_core.jobs import RedisJobBackend, spec_from_data
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.store.keys import job_key
from rider_core.testing.forked import ForkedProcess
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey


class WorkerHarness:
    """Starts workers and submits jobs; `journal` is the file in which the engine writes its starts and ends."""

    def __init__(self, processes: Processes, valkey: Valkey, connection: redis.Redis) -> None:
        self.processes, self.valkey, self.connection = processes, valkey, connection
        self.backend = RedisJobBackend(connection, RQLists())
        self.journal = processes.folder / "journal"
        install_plugin(processes.folder, "probe-engine", probe.SOURCE)
        processes.environment.update(JOURNAL=str(self.journal), REDIS_URL=valkey.url)

    def start(self, *queues: str) -> ForkedProcess:
        """The worker as `rq worker -w` runs it."""
        command = ["worker", "-u", self.valkey.url, "-w", "rider_core.worker.ProviderWorker"]
        return self.processes.fork("rq.cli", *command, *(queues or ("voice", "vision", "text")))

    def start_fast(self, *queues: str) -> ForkedProcess:
        """A worker with short leases and heartbeats (`kill_points.FAST_TIMINGS`)."""
        return self.processes.fork_worker(*queues)

    def submit(self, prompt: str, **options: object) -> str:
        return self.backend.submit(JobSpec(task="text.generate", payload={"prompt": prompt}, **options))  # type: ignore[arg-type]

    def prompt_of(self, job_id: str) -> str:
        """The prompt of a job that ended."""
        data = self.connection.hget(job_key(job_id), "data")
        job = spec_from_data(data)  # type: ignore[arg-type]
        assert isinstance(job, JobSpec)
        return str(job.payload["prompt"])

    def rq_worker(self) -> Worker:
        """The only worker, as RQ sees it."""
        (worker,) = Worker.all(connection=self.connection)
        return worker

    def entries(self, what: str) -> list[str]:
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return [line.split()[0] for line in lines if line.split()[1] == what]
