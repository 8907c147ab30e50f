"""Engines that end their process, each in its way: the dead letter names them, and others' jobs are done."""

from __future__ import annotations

import re

import pytest
from worker_harness import WorkerHarness

from rider_core.api import JobSpec, JobState, RetryPolicy
from rider_core.testing.processes import install_plugin

pytestmark = pytest.mark.slow

MORTAL = """
import ctypes, os
from rider_core.api import TextGenerator, hookimpl

RIDER_API = "1.0"

class Exits(TextGenerator):
    name = "zz-exits"
    def generate_stream(self, request):
        os._exit(0)
        yield "never"

class Crashes(TextGenerator):
    name = "zz-crashes"
    def generate_stream(self, request):
        ctypes.string_at(0)
        yield "never"

@hookimpl
def register_providers(register):
    register(Exits)
    register(Crashes)
"""
ENGINES = ("zz-exits", "zz-crashes")


def test_each_is_named(harness: WorkerHarness) -> None:
    install_plugin(harness.processes.folder, "mortal-engines", MORTAL)
    once = RetryPolicy(max_attempts=1)
    jobs = [JobSpec(task="text.generate", payload={"prompt": "x"}, provider=name, retry=once) for name in ENGINES]
    # One more than engines: it takes back what the others leave.
    workers = [harness.start_fast("text") for _ in range(len(ENGINES) + 1)]
    harness.backend.submit_many(jobs)
    for job in jobs:
        record = harness.backend.wait(job.id, 30)
        assert record.state is JobState.FAILED
        assert record.problem is not None
        assert re.fullmatch(
            # The one that every worker opens may stand beside it.
            rf"the worker that ran it with the engine (probe, )?{job.provider} ended or stopped answering",
            record.problem.message,
        )
        assert harness.backend.dead_letter(job.id).record.problem == record.problem
    assert sorted(worker.wait(10) for worker in workers if worker.poll() is not None) == [-11, 0]
    assert harness.backend.wait(harness.submit("j1"), 20).state is JobState.DONE
