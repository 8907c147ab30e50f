"""Our side: a Redis, one real worker for each queue, and a client. And the bare engines beside it, as plain scripts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from rider_core.api import JobRecord, JobSpec, Priority, RetryPolicy, openmp
from rider_core.config import load_settings
from rider_core.errors import RiderError
from rider_core.runtime.job_stream import follow_job
from rider_core.runtime.services import Services

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench"))

from redis_server import redis_server  # noqa: E402  all benches use it

#: The plugins under test. Others are disabled.
PLUGINS = ("voice-whisper", "espeak", "vision-mediapipe", "text-llama")
MODELS = ("whisper-base", "ssd-oidv4", "smollm2-135m-instruct")
QUEUES = {"voice": "voice.transcribe", "vision": "vision.detect", "text": "text.generate"}
START_S, WAIT_S = 60.0, 120.0


class Stack:
    """Workers, by queue, and the client's services."""

    def __init__(self, services: Services, workers: dict[str, subprocess.Popen[bytes]]) -> None:
        self.services = services
        self.workers = workers

    def submit(self, task: str, payload: dict[str, Any], *, stream: bool = False) -> str:
        spec = JobSpec(
            task=task,
            payload=payload,
            priority=Priority.HIGH,
            retry=RetryPolicy(max_attempts=1),
            stream=stream,
            origin="bench",
        )
        return self.services.backend.submit(spec)

    def run(self, task: str, payload: dict[str, Any]) -> JobRecord:
        spec = JobSpec(
            task=task, payload=payload, priority=Priority.HIGH, retry=RetryPolicy(max_attempts=1), origin="bench"
        )
        record = self.services.backend.run(spec, WAIT_S)
        record.value()  # raises where it failed
        return record

    def first_piece_s(self, task: str, payload: dict[str, Any]) -> float:
        """Seconds from the submission to the first partial result; the job is seen to its end."""
        started = time.perf_counter()
        first = 0.0
        job_id = self.submit(task, payload, stream=True)
        for item in follow_job(self.services.bus, self.services.backend, job_id, WAIT_S):
            if isinstance(item, JobRecord):
                item.value()
            else:
                first = first or time.perf_counter() - started
        return first

    def memory_mb(self) -> dict[str, float]:
        """What each worker holds with its models loaded: its proportional set size, in MB."""
        return {name: _pss_mb(worker.pid) for name, worker in self.workers.items()}


@contextmanager
def stack(folder: Path) -> Iterator[Stack]:
    """All of it up, with every engine open."""
    disabled = [point.name for point in entry_points(group="rider_core.plugins") if point.name not in PLUGINS]
    with ExitStack() as ends:
        url = ends.enter_context(redis_server(folder / "redis"))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RIDER_", "REDIS_"))},
            "RIDER_DATA_DIR": str(ROOT / ".make" / "bench-providers"),  # kept, for the models
            "RIDER_MODEL_PATH": os.environ.get("RIDER_MODEL_PATH", ""),
            "REDIS_URL": url,
            "RIDER_PLUGINS_DISABLED": ",".join(disabled),
            "RIDER_PLUGINS_REQUIRED": ",".join(PLUGINS),
            **openmp.environment(),  # as `rider up` does
        }
        os.environ.update(environment)
        services = Services.open(load_settings(), "bench")
        ends.callback(services.close)
        services.database.upgrade()
        for model in MODELS:
            services.catalogue.pull(model)
        workers = {queue: ends.enter_context(_worker(folder, queue, environment)) for queue in QUEUES}
        deadline = time.monotonic() + START_S
        while any(not services.backend.capacity()[task] for task in QUEUES.values()):
            dead = [name for name, worker in workers.items() if worker.poll() is not None]
            if dead or time.monotonic() > deadline:
                sys.exit(f"the workers did not come up: {[(folder / f'{name}.log').read_text() for name in workers]}")
            time.sleep(0.1)
        yield Stack(services, workers)


@contextmanager
def _worker(folder: Path, queue: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{queue}.log").open("wb") as log:
        command = [sys.executable, "-m", "rider_core.cli.main", "worker", queue]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


class Bare:
    """A plain script around an engine, in a process of its own: one line in, one measurement out.

    Args:
        script: In the folder `bare`.
        arguments: Of its command line.
    """

    def __init__(self, script: str, *arguments: str | Path) -> None:
        command = [sys.executable, str(Path(__file__).parent / "bare" / script), *map(str, arguments)]
        # A plain script has no such settings.
        environment = {name: value for name, value in os.environ.items() if name not in openmp.environment()}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        self._answer()  # it is ready

    def __enter__(self) -> Bare:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def measure(self, what: str = "") -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n".encode())
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith(b"{"):  # engines print things of their own
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RiderError(f"{self._process.args!r} ended with {self._process.wait()}")


def _pss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
