"""An engine that takes a minute to open: jobs of other engines run, its own wait without losing an attempt."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
import redis

from rider_core.api import JobSpec, JobState
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow

#: `sluggish` opens when the file GATE exists, `torpid` (only with TWO) when GATE-torpid exists, the others at once. All
#: but `sudden` share the queue `voice`.
SOURCE = """
import os, time
from rider_core.api import AudioClip, SpeechToText, TextGenerator, TextToSpeech, Transcript, hookimpl
from rider_core.errors import ProviderUnavailable

RIDER_API = "1.0"

class Sluggish(SpeechToText):
    name = "sluggish"

    def open(self):
        while not os.path.exists(os.environ["GATE"]):
            time.sleep(0.05)
        if os.environ.get("THEN") == "fail":
            raise ProviderUnavailable("it has no heart")

    def transcribe_batch(self, clips, language):
        return [Transcript(text="heard", language="en", duration_s=0.1) for clip in clips]

class Torpid(Sluggish):
    name = "torpid"

    def open(self):
        while not os.path.exists(os.environ["GATE"] + "-torpid"):
            time.sleep(0.05)

class Spry(TextToSpeech):
    name = "spry"

    def synthesize_stream(self, request):
        yield AudioClip(bytes(320), 16000)

class Sudden(TextGenerator):
    name = "sudden"

    def generate_stream(self, request):
        yield "at once"

@hookimpl
def register_providers(register):
    for provider in (Sluggish, Spry, Sudden):
        register(provider)
    if "TWO" in os.environ:
        register(Torpid)
"""
SOUND = {"audio": base64.b64encode(bytes(3200)).decode()}


class SlowEngineHarness:
    """One worker for all queues, whose speech recogniser is not open yet."""

    def __init__(self, processes: Processes, valkey: Valkey, connection: redis.Redis) -> None:
        self.processes, self.connection = processes, connection
        self.backend = RedisJobBackend(connection, RQLists())
        self.gate: Path = processes.folder / "gate"
        install_plugin(processes.folder, "sluggish-engine", SOURCE)
        processes.environment.update(GATE=str(self.gate), REDIS_URL=valkey.url)

    def start(self) -> None:
        self.worker = self.processes.fork_worker("voice", "vision", "text")
        wait_until(lambda: "text.generate" in self.able(), what="a worker that does what it can")

    def able(self) -> list[str]:
        """The tasks that the workers report as possible."""
        announced = [self.connection.hget(key, "rider_tasks") for key in self.connection.smembers("rq:workers")]
        return [task for tasks in announced if tasks for task in json.loads(tasks)]

    def transcribe(self, **options: object) -> str:
        return self.backend.submit(JobSpec(task="voice.transcribe", payload=SOUND, **options))  # type: ignore[arg-type]

    def synthesize(self) -> str:
        return self.backend.submit(JobSpec(task="voice.synthesize", payload={"text": "hello"}))


@pytest.fixture
def harness(processes: Processes, valkey: Valkey, connection: redis.Redis) -> SlowEngineHarness:
    return SlowEngineHarness(processes, valkey, connection)


def test_others_go_on_and_its_jobs_wait(harness: SlowEngineHarness) -> None:
    harness.start()
    assert "voice.transcribe" not in harness.able()
    waiting = [harness.transcribe() for _ in range(5)]
    # After them in the same queue, and in another one.
    for job_id in (
        harness.synthesize(),
        harness.backend.submit(JobSpec(task="text.generate", payload={"prompt": "now"})),
    ):
        assert harness.backend.wait(job_id, 10).state is JobState.DONE
    assert {harness.backend.get(job_id).state.ended for job_id in waiting} == {False}
    harness.gate.touch()
    records = [harness.backend.wait(job_id, 10) for job_id in waiting]
    assert {record.value()["text"] for record in records} == {"heard"}
    assert {record.attempts for record in records} == {1}
    assert "voice.transcribe" in harness.able()


def test_a_job_expires_while_it_waits(harness: SlowEngineHarness) -> None:
    """A deadline also counts while the engine opens."""
    harness.start()
    record = harness.backend.wait(harness.transcribe(deadline_ts=time.time() + 1), 15)
    assert record.state is JobState.EXPIRED


def test_one_that_cannot_be_opened_in_the_end_fails_its_jobs(harness: SlowEngineHarness) -> None:
    harness.processes.environment["THEN"] = "fail"
    harness.start()
    waiting = harness.transcribe()
    assert harness.backend.wait(harness.synthesize(), 10).state is JobState.DONE
    harness.gate.touch()
    record = harness.backend.wait(waiting, 10)
    assert (record.state, record.problem and record.problem.message) == (JobState.FAILED, "it has no heart")


def test_a_worker_in_burst_mode_waits_for_its_engines(harness: SlowEngineHarness) -> None:
    job_id = harness.transcribe()
    worker = harness.processes.fork("rider_core.cli.main", "worker", "--burst", "voice")
    let_pass(1.0, "its start; a burst worker must wait for the engine itself")
    assert worker.poll() is None
    harness.gate.touch()
    assert worker.wait(30) == 0
    assert harness.backend.get(job_id).state is JobState.DONE


def test_two_engines_open_at_once(harness: SlowEngineHarness) -> None:
    """The engine that is ready first runs its job, though that was submitted last."""
    harness.processes.environment["TWO"] = "yes"
    harness.start()
    first, second = harness.transcribe(), harness.transcribe(provider="torpid")
    third = harness.transcribe(provider="torpid", deadline_ts=time.time() + 1)
    assert harness.backend.wait(harness.synthesize(), 10).state is JobState.DONE
    assert harness.backend.wait(third, 15).state is JobState.EXPIRED
    harness.gate.with_name("gate-torpid").touch()
    record = harness.backend.wait(second, 10)
    assert (record.state, record.provider, record.attempts) == (JobState.DONE, "torpid", 1)
    assert not harness.backend.get(first).state.ended
    harness.gate.touch()
    assert harness.backend.wait(first, 10).provider == "sluggish"


def test_a_worker_that_opens_an_engine_can_be_stopped(harness: SlowEngineHarness) -> None:
    """The job that waited for the engine is requeued with all its attempts."""
    harness.start()
    waiting = harness.transcribe()
    assert harness.backend.wait(harness.synthesize(), 10).state is JobState.DONE
    harness.worker.terminate()
    assert harness.worker.wait(8) == 0
    record = harness.backend.get(waiting)
    assert (record.state.ended, record.attempts) == (False, 0)
    harness.gate.touch()
    harness.start()
    assert harness.backend.wait(waiting, 10).attempts == 1
