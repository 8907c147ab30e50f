"""The memory limit of a worker: it is logged, and the worker ends after its job."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from worker_harness import WorkerHarness

from rider_core.config import Settings
from rider_core.runtime import supervision
from rider_core.runtime.supervision import Program
from rider_core.testing.waiting import wait_until
from rider_core.worker import memory
from rider_core.worker.memory import MemoryLimit, own_bytes
from rider_core.worker.openings import Opening


def test_what_a_process_has_grows_with_what_it_allocates() -> None:
    """In a process of its own: this one may free what earlier tests left at any moment."""
    code = """if True:
        from rider_core.worker.memory import own_bytes
        before = own_bytes()
        taken = bytearray(64 << 20)
        print(own_bytes() - before)
    """
    grown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert int(grown) > 60 << 20


def test_what_an_engine_needed_to_be_opened_is_given_back() -> None:
    before = own_bytes()

    def make() -> Any:
        needed = [bytearray(100_000) for _ in range(600)]
        return needed.pop()  # the last one on the heap, which keeps the memory of the others from being returned

    engine = Opening("large", make, lambda _: None).wait(5.0)
    assert own_bytes() - before < 20 << 20
    del engine


def test_the_limit_is_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(memory, "own_bytes", lambda: 100 << 20)
    limit = MemoryLimit(150)
    limit.start()
    assert not limit.is_exceeded()
    monkeypatch.setattr(memory, "own_bytes", lambda: 151 << 20)
    assert limit.is_exceeded()
    assert limit.is_exceeded()
    assert [it.message for it in caplog.records] == [
        "this worker has 151 MB, worker_memory_mb allows 150: it ends after its job and is started anew"
    ]
    assert not MemoryLimit(0).is_exceeded()


def test_engines_that_need_more_from_the_start_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(memory, "own_bytes", lambda: 200 << 20)
    monkeypatch.setattr(memory, "process_name", lambda: "not heeded")
    limit = MemoryLimit(150)
    with caplog.at_level(logging.WARNING):
        limit.start()
    assert not limit.is_exceeded()
    assert "the limit is not heeded" in caplog.text
    # An alert compares what a process has with this figure.
    assert limit_of("not heeded") is None
    MemoryLimit(300).start()
    assert limit_of("not heeded") == 300 << 20


def limit_of(process: str) -> float | None:
    return REGISTRY.get_sample_value("rider_process_memory_limit_bytes", {"process": process})


def test_a_worker_that_leaks_ends_after_its_job(harness: WorkerHarness) -> None:
    harness.processes.environment["RIDER_WORKER_MEMORY_MB"] = "180"
    worker = harness.start_fast("text")
    job_id = harness.submit("j1 leak 200")
    assert harness.backend.wait(job_id, 20).result is not None
    wait_until(lambda: worker.poll() is not None, 20, what="the worker's end")
    assert worker.returncode == 0
    assert "it ends after its job" in harness.processes.log()


def test_and_is_started_again(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """By supervisord, with what `rider up` writes for it."""
    settings = Settings(data_dir=harness.processes.folder / "data", redis_url=harness.valkey.url)
    worker = Program("worker", "worker --name worker text", 1)
    monkeypatch.setattr(supervision, "programs", lambda _: [worker])
    file, environment = supervision.write_configuration(settings)
    harness.processes.environment.update(environment, RIDER_WORKER_MEMORY_MB="180")
    harness.processes.start("-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", str(file))
    assert harness.backend.wait(harness.submit("j1 leak 200"), 30).result is not None
    (first,) = process_ids(harness, "j1")
    wait_until(lambda: not Path("/proc", first).exists(), what="the worker's end")
    assert harness.backend.wait(harness.submit("j2"), 30).result is not None
    assert process_ids(harness, "j2") != [first]


def process_ids(harness: WorkerHarness, job: str) -> list[str]:
    """Of the workers that began the job."""
    lines = [line.split() for line in harness.journal.read_text().splitlines()]
    return [pid for name, what, pid in lines if (name, what) == (job, "start")]
