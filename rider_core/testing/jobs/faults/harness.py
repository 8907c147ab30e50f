"""Harness of the fault tests: a backend with its Valkey, workers that may be killed, and the journal."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from rider_core.api.jobs import BatchSpec, JobRecord, JobSpec, JobState
from rider_core.api.messages import encode_base64
from rider_core.api.tasks import QUEUES
from rider_core.errors import BackendUnavailable, JobNotFound, QueueFull
from rider_core.jobs import RedisJobBackend
from rider_core.testing.forked import ForkedProcess
from rider_core.testing.jobs.faults import engine
from rider_core.testing.jobs.faults.journal import Journal
from rider_core.testing.jobs.faults.kill_points import KillPoint
from rider_core.testing.processes import Processes, announce_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

#: Maximum wait for a condition, in seconds. A worker starts within 2 s, a lease lasts 2 s; the rest is for busy CPUs.
PATIENCE_S = 40.0
#: Maximum time until a submission fails while Redis or the broker cannot be reached, in seconds.
REFUSAL_S = 5.0
#: One task of each queue.
TASK_OF = {"text": "text.generate", "voice": "voice.synthesize", "vision": "vision.detect"}


class FaultHarness:
    """Runs jobs and kills workers. Job ids are unique, so that leftovers of earlier tests in a broker do not matter."""

    def __init__(
        self,
        backend: RedisJobBackend,
        connection: redis.Redis,
        valkey: Valkey,
        processes: Processes,
        worker_environment: dict[str, str],
    ) -> None:
        """
        Args:
            worker_environment: Environment variables with which a worker serves this backend.
        """
        self.backend, self.connection, self.valkey, self.processes = backend, connection, valkey, processes
        self.journal = Journal(processes.folder / "journal")
        self.workers: list[ForkedProcess] = []
        self.exit_codes: list[int] = []
        self._tag = uuid4().hex[:6]
        announce_plugin(processes.folder, "faulty", engine.__name__)
        processes.environment.update(
            {engine.JOURNAL: str(self.journal.file), "REDIS_URL": valkey.url, "RIDER_BREAKER_FAILURES": "1000"},
            **worker_environment,
        )

    def start(self, *queues: str, kill_point: KillPoint = KillPoint.NEVER) -> ForkedProcess:
        """A worker with fast timings, for all queues unless some are named."""
        module = "rider_core.testing.jobs.faults.fast_timing_worker"
        worker = self.processes.fork(module, kill_point.value, *(queues or QUEUES))
        self.workers.append(worker)
        return worker

    def submit(self, name: str, deed: str = "", queue: str = "text", **options: Any) -> str:
        """Submit a job that does `deed` (see `engine`). Returns its id, which begins with `name`."""
        return self.submit_spec(self.spec(name, deed, queue, **options))

    def submit_batch(self, name: str, deeds: Sequence[str], **options: Any) -> str:
        """Submit a batch of `text.generate` whose items do these deeds. Returns its id."""
        job_id = self.id_of(name)
        items = [f"{job_id}-{number}" for number in range(len(deeds))]
        payloads = [{"prompt": f"{item} {deed}"} for item, deed in zip(items, deeds, strict=True)]
        self.journal.items[job_id] = items
        self.journal.accepted.append(
            self.backend.submit_batch(BatchSpec(id=job_id, task="text.generate", payloads=payloads, **options))
        )
        return job_id

    def submit_spec(self, spec: JobSpec) -> str:
        try:
            job_id = self.backend.submit(spec)
        except (BackendUnavailable, QueueFull):
            self.journal.refused.append(spec.id)
            raise
        self.journal.accepted.append(job_id)
        return job_id

    def refused(self, name: str) -> str:
        """Submit a job that must be refused within `REFUSAL_S`. Returns its id."""
        job_id, before = self.id_of(name), time.monotonic()
        with pytest.raises(BackendUnavailable):
            self.submit(name)
        assert time.monotonic() - before < REFUSAL_S
        return job_id

    def spec(self, name: str, deed: str = "", queue: str = "text", **options: Any) -> JobSpec:
        job_id = self.id_of(name)
        words = f"{job_id} {deed}".strip()
        payloads = {
            "text": {"prompt": words},
            "voice": {"text": words},
            "vision": {"image": encode_base64(words.encode())},
        }
        return JobSpec(id=job_id, task=TASK_OF[queue], payload=payloads[queue], **options)

    def id_of(self, name: str) -> str:
        return f"{name}-{self._tag}"

    def open_gate(self) -> None:
        """Let all jobs with the deed `hold` continue."""
        Path(str(self.journal.file) + engine.GATE_SUFFIX).touch()

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, timeout_s=PATIENCE_S, what=what)

    def started(self, job_id: str, times: int = 1) -> None:
        """Wait until an engine has started the job `times` times."""
        self.wait_for(lambda: self.journal.starts(job_id) >= times, f"start {times} of {job_id}")

    def ready(self, workers: int) -> None:
        """Wait until this many workers have published their tasks, which is the end of their start."""
        key = "rider_tasks"
        self.wait_for(
            lambda: (
                sum(bool(self.connection.hexists(name, key)) for name in self.connection.smembers("rq:workers"))
                >= workers
            ),
            f"{workers} worker(s)",
        )

    def dies(self, worker: ForkedProcess) -> None:
        """Wait until a worker has died by SIGKILL."""
        assert worker.wait(PATIENCE_S) == -signal.SIGKILL, self.processes.log()[-3000:]

    def kill(self, worker: ForkedProcess) -> None:
        worker.kill()
        worker.wait(PATIENCE_S)

    def end(self, *, crew: int = 1, timeout_s: float = PATIENCE_S) -> dict[str, JobRecord]:
        """Wait until all accepted jobs have ended, with `crew` workers: one that dies is replaced.

        Then check the invariants. Returns the records by id.
        """

        def over() -> bool:
            self.keep_running(crew)
            return self._all_ended()

        try:
            wait_until(over, timeout_s, "the end of all jobs")
        finally:
            self.journal.check(self.backend, self.connection)
        return {record.id: record for record in self.journal.records(self.backend)}

    def keep_running(self, crew: int) -> None:
        """Start workers until `crew` of them run."""
        self.exit_codes += [code for code in (worker.poll() for worker in self.workers) if code is not None]
        self.workers = [worker for worker in self.workers if worker.returncode is None]
        for _ in range(crew - len(self.workers)):
            self.start()

    def all_done(self, **options: Any) -> dict[str, JobRecord]:
        """`end`, with all jobs done."""
        records = self.end(**options)
        others = {
            record.id: (record.state.value, record.problem)
            for record in records.values()
            if record.state is not JobState.DONE
        }
        assert not others
        return records

    def _all_ended(self) -> bool:
        """Whether all jobs have ended, refused ones that were accepted after all included, and the queues are empty."""
        try:
            if not all(record.state.ended for record in self.journal.records(self.backend)):
                return False
            return not any(queue.waiting + queue.scheduled + queue.running for queue in self.backend.stats())
        except BackendUnavailable:
            return False
        except JobNotFound as error:
            pytest.fail(f"I1: accepted, and nowhere: {error}")
