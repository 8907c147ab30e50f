"""Plugins that violate the API: each error names the plugin, and all other plugins work."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from worker_harness import WorkerHarness

from rider_core.api import JobSpec, JobState, RetryPolicy
from rider_core.testing.processes import install_plugin

#: Their names sort before `probe`, so that they are tried first.
BROKEN = """
import sys
from rider_core.api import TextGenerator, TextToSpeech, hookimpl

RIDER_API = "1.0"
print("printed while it is imported")

class A(TextGenerator):
    name = "a-constructor"
    def __init__(self, config, context):
        sys.exit(3)
    def generate_stream(self, request):
        yield "never"

class B(A):
    name = "b-opening"
    def __init__(self, config, context):
        super(A, self).__init__(config, context)
    def open(self):
        raise KeyboardInterrupt

class C(B):
    name = "zz-yields"
    def open(self):
        pass
    def health(self):
        return "well"
    def generate_stream(self, request):
        yield "one "
        yield 7

class E(C):
    name = "zz-breaks"
    def generate_stream(self, request):
        yield "one "
        raise RuntimeError("in the middle")

class D(C):
    name = "zz-ends"
    def generate_stream(self, request):
        yield "one "
        sys.exit(0)

@hookimpl
def register_providers(register):
    for engine in (A, B, C, D, E):
        register(engine)
"""


@pytest.fixture
def harness(harness: WorkerHarness) -> WorkerHarness:
    install_plugin(harness.processes.folder, "broken-engines", BROKEN)
    return harness


def test_others_work_and_each_error_names_the_cause(harness: WorkerHarness) -> None:
    harness.start("text")
    assert harness.backend.wait(harness.submit("j1"), 20).result is not None
    ended = {}
    for name in ("a-constructor", "b-opening", "zz-yields", "zz-ends"):
        job = JobSpec(task="text.generate", payload={"prompt": "x"}, provider=name)
        ended[name] = harness.backend.wait(harness.backend.submit(job), 20)
    assert {it.state for it in ended.values()} == {JobState.FAILED}
    assert {it.attempts for it in ended.values()} == {1}
    messages = {name: it.problem.message for name, it in ended.items() if it.problem}
    assert messages["a-constructor"] == "a-constructor: A() raised SystemExit: 3"
    assert messages["b-opening"] == "b-opening: open() raised KeyboardInterrupt"
    assert messages["zz-yields"] == "zz-yields: generate_stream() must yield a str, it yielded int 7"
    assert messages["zz-ends"].startswith("zz-ends: generate_stream() raised SystemExit: 0, which would have ended")
    assert harness.backend.wait(harness.submit("j2"), 20).state is JobState.DONE


def test_published_pieces_are_not_published_again(harness: WorkerHarness) -> None:
    harness.start("text")
    jobs = {
        stream: JobSpec(task="text.generate", payload={"prompt": "x"}, provider="zz-breaks", stream=stream)
        for stream in (True, False)
    }
    for job in jobs.values():
        harness.backend.submit(job)
    attempts = {stream: harness.backend.wait(job.id, 30).attempts for stream, job in jobs.items()}
    assert attempts[True] == 1
    assert attempts[False] > 1


def test_a_plugins_output_is_not_a_commands_output(harness: WorkerHarness) -> None:
    def rider(*arguments: str) -> str:
        command = [sys.executable, "-m", "rider_core.cli.main", *arguments]
        environment = harness.processes.environment
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False, text=True).stdout

    assert json.loads(rider("config", "show", "--json"))
    said = rider("doctor")
    assert "printed while" not in said
    assert "a-constructor: A() raised SystemExit: 3" in said
    assert "zz-yields: health() must give a Health, it gave str 'well'" in said


def test_the_engine_that_killed_its_worker_is_named(harness: WorkerHarness) -> None:
    harness.start_fast("text")
    retry = RetryPolicy(max_attempts=1)
    job = JobSpec(task="text.generate", payload={"prompt": "j1 kill"}, provider="probe", retry=retry)
    assert harness.backend.wait(harness.submit("j0"), 20).state is JobState.DONE
    job_id = harness.backend.submit(job)
    harness.processes.fork_worker("text", log="other")  # requeues the lost job
    problem = harness.backend.wait(job_id, 30).problem
    assert problem is not None
    assert problem.message == "the worker that ran it with the engine probe ended or stopped answering"
