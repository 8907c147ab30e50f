"""An engine that opens for a minute: jobs of others go on, its own wait and cost no attempt."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
import redis

from rider_core.api import JobSpec, JobState
from rider_core.jobs.rq_backend import RQBackend
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import let_pass, wait_until

#: `sluggish` is open when the file GATE is there, the others at once. All but `sudden` share the queue `voice`.
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
"""
SOUND = {"audio": base64.b64encode(bytes(3200)).decode()}


class House:
    """One worker for all queues, whose recognition is not open yet."""

    def __init__(self, processes: Processes, valkey: Valkey, connection: redis.Redis) -> None:
        self.processes, self.connection = processes, connection
        self.backend = RQBackend(connection)
        self.gate: Path = processes.folder / "gate"
        install_plugin(processes.folder, "sluggish-engine", SOURCE)
        processes.environment.update(GATE=str(self.gate), REDIS_URL=valkey.url)

    def start(self) -> None:
        self.processes.fork_worker("voice", "vision", "text")
        wait_until(lambda: "text.generate" in self.able(), what="a worker that does what it can")

    def able(self) -> list[str]:
        """What the workers say that they can do."""
        told = [self.connection.hget(key, "rider_tasks") for key in self.connection.scan_iter("rq:worker:*")]
        return [task for tasks in told if tasks for task in json.loads(tasks)]

    def hear(self, **options: object) -> str:
        return self.backend.submit(JobSpec(task="voice.transcribe", payload=SOUND, **options))  # type: ignore[arg-type]

    def speak(self) -> str:
        return self.backend.submit(JobSpec(task="voice.synthesize", payload={"text": "hello"}))


@pytest.fixture
def house(processes: Processes, valkey: Valkey, connection: redis.Redis) -> House:
    return House(processes, valkey, connection)


def test_others_go_on_and_its_jobs_wait(house: House) -> None:
    house.start()
    assert "voice.transcribe" not in house.able()
    heard = [house.hear() for _ in range(5)]
    # Behind them in the same queue, and in another one.
    for job_id in (house.speak(), house.backend.submit(JobSpec(task="text.generate", payload={"prompt": "now"}))):
        assert house.backend.wait(job_id, 10).state is JobState.DONE
    assert {house.backend.get(job_id).state.ended for job_id in heard} == {False}
    house.gate.touch()
    records = [house.backend.wait(job_id, 10) for job_id in heard]
    assert {record.value()["text"] for record in records} == {"heard"}
    assert {record.attempts for record in records} == {1}
    assert "voice.transcribe" in house.able()


def test_whoever_cannot_wait_is_told(house: House) -> None:
    """A deadline holds while the engine is on its way."""
    house.start()
    record = house.backend.wait(house.hear(deadline_ts=time.time() + 1), 15)
    assert record.state is JobState.EXPIRED


def test_one_that_cannot_be_opened_in_the_end_fails_its_jobs(house: House) -> None:
    house.processes.environment["THEN"] = "fail"
    house.start()
    waiting = house.hear()
    assert house.backend.wait(house.speak(), 10).state is JobState.DONE
    house.gate.touch()
    record = house.backend.wait(waiting, 10)
    assert (record.state, record.problem and record.problem.message) == (JobState.FAILED, "it has no heart")


def test_a_worker_in_burst_mode_waits_for_its_engines(house: House) -> None:
    heard = house.hear()
    worker = house.processes.fork("rider_core.cli.main", "worker", "--burst", "voice")
    let_pass(1.0, "its start; an engine in burst mode has no one to wait for it elsewhere")
    assert worker.poll() is None
    house.gate.touch()
    assert worker.wait(30) == 0
    assert house.backend.get(heard).state is JobState.DONE
