"""Our own side of the comparison: a real `rider worker` with engines that do nothing, and a client that feeds it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import redis

from rider_core.api import BatchSpec, JobSpec, JobState
from rider_core.config import load_settings
from rider_core.jobs import RedisJobBackend
from rider_core.runtime.services import Services

#: `{"prompt": "..."}` has 100 bytes.
PAYLOAD = {"prompt": "x" * 86}
BATCH = 500
BATCHES_TOGETHER = 10
#: Results that are fetched in one call, and jobs that are submitted in one call to fill a queue.
PAGE = 500
WAIT_S = 120.0
TURNS = 9

_PLUGIN = """
from rider_core.api import GeneratedText, TextGenerator, hookimpl

RIDER_API = "1.0"

class Nothing(TextGenerator):
    name = "nothing"
    def generate_stream(self, request):
        yield "ok"

class NothingTogether(Nothing):
    name = "nothing-together"
    max_batch = 500
    def generate_batch(self, requests):
        return [GeneratedText(text="ok") for _ in requests]

@hookimpl
def register_providers(register):
    register(Nothing)
    register(NothingTogether)
"""


class Ours:
    """Workers and a client on one Redis, and one broker where a URL's environment is given."""

    def __init__(
        self,
        folder: Path,
        redis_url: str,
        environment: dict[str, str],
        program: tuple[str, ...] = ("-m", "rider_core.cli.main"),
    ) -> None:
        """
        Args:
            program: Python's arguments that run `rider`.
        """
        self._folder = folder
        self._program = program
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bench_engines.py").write_text(_PLUGIN)
        info = folder / "bench_engines-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-engines\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[rider_core.plugins]\nbench = bench_engines\n")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RIDER_", "REDIS_"))},
            "RIDER_DATA_DIR": str(folder / "data"),
            "PYTHONPATH": str(folder),
            "REDIS_URL": redis_url,
            # A worker without a model: nothing but the broker, where one is used.
            "RIDER_PLUGINS_DISABLED": ",".join(
                point.name
                for point in entry_points(group="rider_core.plugins")
                if point.name != environment["TASK_QUEUE_BACKEND"]
            ),
            **environment,
        }

    @contextmanager
    def worker(self, provider: str) -> Iterator[subprocess.Popen[bytes]]:
        """One worker process whose text engine is that one."""
        environment = {**self._environment, "RIDER_PROVIDERS": f'{{"text_generation": "{provider}"}}'}
        with (self._folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *self._program, "worker", "text"],
                env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            with self.client() as backend:
                _until(lambda: backend.capacity()["text.generate"] == 1, "the worker")
                yield process
        finally:
            process.terminate()
            process.wait(timeout=60)

    @contextmanager
    def client(self) -> Iterator[RedisJobBackend]:
        os.environ.update({name: value for name, value in self._environment.items() if os.environ.get(name) != value})
        services = Services.open(load_settings(), role="bench")
        try:
            yield services.backend
        finally:
            services.close()

    def single_jobs_per_s(self, jobs: int, window: int = 1) -> float:
        """Submitted one by one (or in windows), done by one worker, every result fetched."""
        with self.worker("nothing"), self.client() as backend:
            _run_single(backend, jobs // 10, window)
            started = time.perf_counter()
            _run_single(backend, jobs, window)
            return jobs / (time.perf_counter() - started)

    def batched_tasks_per_s(self, tasks: int) -> float:
        """Submitted in batches, done by one worker, every result fetched."""
        with self.worker("nothing-together"), self.client() as backend:
            _run_batched(backend, tasks // 10)
            started = time.perf_counter()
            _run_batched(backend, tasks)
            return tasks / (time.perf_counter() - started)

    def latency_ms(self, jobs: int) -> tuple[float, float]:
        """Submit to result, one at a time: median and 99th percentile."""
        with self.worker("nothing"), self.client() as backend:
            times = []
            for number in range(jobs + 50):
                started = time.perf_counter()
                record = backend.run(_spec(), WAIT_S)
                assert record.state is JobState.DONE
                if number >= 50:
                    times.append((time.perf_counter() - started) * 1000)
        cuts = statistics.quantiles(times, n=100)
        return statistics.median(times), cuts[98]

    def idle_worker(self, seconds: float) -> tuple[float, float]:
        """Processor time in percent and resident memory in MB of a worker that has nothing to do, without a model."""
        with self.worker("nothing") as process:
            time.sleep(3)  # it has just come up
            ticks = _ticks(process.pid)
            time.sleep(seconds)
            used_s = (_ticks(process.pid) - ticks) / os.sysconf("SC_CLK_TCK")
            return 100 * used_s / seconds, _resident_mb(process.pid)


def full_queue(ours: Ours, other: Ours, connection: redis.Redis, waiting: int, jobs: int) -> tuple[float, float]:
    """Submission rate with `waiting` jobs in the queue over that with a short queue, and the bytes of a waiting job.

    Args:
        other: On a server of its own, whose queue stays short. Both are measured in turns, so that changes of
            the machine's speed affect both.
        connection: To the server whose queue is filled.
    """
    with ours.client() as full:
        _submit_rate(full, jobs)
        connection.flushall()
        before = _used_bytes(connection)
        for _ in range(waiting // PAGE):
            full.submit_many([_spec() for _ in range(PAGE)])
        each = (_used_bytes(connection) - before) / waiting
        with other.client() as empty:
            _submit_rate(empty, jobs)
            ratios = [_submit_rate(full, jobs) / _submit_rate(empty, jobs) for _ in range(TURNS)]
        connection.flushall()
    return statistics.median(ratios), each


def _spec() -> JobSpec:
    return JobSpec(task="text.generate", payload=PAYLOAD)


def _run_single(backend: RedisJobBackend, jobs: int, window: int) -> None:
    if window == 1:
        ids = [backend.submit(_spec()) for _ in range(jobs)]
    else:
        ids = []
        for start in range(0, jobs, window):
            ids += backend.submit_many([_spec() for _ in range(min(window, jobs - start))])
    _fetch(backend, ids)


def _fetch(backend: RedisJobBackend, ids: list[str]) -> None:
    for start in range(0, len(ids), PAGE):
        for record in backend.wait_many(ids[start : start + PAGE], WAIT_S):
            assert record.value()["text"] == "ok"


def _run_batched(backend: RedisJobBackend, tasks: int) -> None:
    ids = []
    sizes = [min(BATCH, tasks - start) for start in range(0, tasks, BATCH)]
    batches = [BatchSpec(task="text.generate", payloads=[PAYLOAD] * size) for size in sizes]
    for start in range(0, len(batches), BATCHES_TOGETHER):
        ids += backend.submit_many(batches[start : start + BATCHES_TOGETHER])
    for job_id in ids:
        backend.wait(job_id, WAIT_S).value()
        items = backend.batch_items(job_id)
        assert all(item.result is not None and item.result["text"] == "ok" for item in items)


def _submit_rate(backend: RedisJobBackend, jobs: int) -> float:
    started = time.perf_counter()
    for _ in range(jobs):
        backend.submit(_spec())
    return jobs / (time.perf_counter() - started)


def _used_bytes(connection: redis.Redis) -> int:
    info: Any = connection.info("memory")
    return int(info["used_memory"])


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def _resident_mb(pid: int) -> float:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def _until(condition: Any, what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come up within 60 s")
        time.sleep(0.02)
