"""An engine that opens for a minute: jobs of others go on, its own wait and cost no attempt."""

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

#: `sluggish` is open when the file GATE is there, `torpid`, which is there with TWO, with
#: GATE-torpid, the others at once. All but `sudden` share the queue `voice`.
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


class House:
    """One worker for all queues, whose recognition is not open yet."""

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


def test_two_engines_are_on_their_way_at_once(house: House) -> None:
    """The one that is ready first works, though it was asked last."""
    house.processes.environment["TWO"] = "yes"
    house.start()
    first, second = house.hear(), house.hear(provider="torpid")
    third = house.hear(provider="torpid", deadline_ts=time.time() + 1)
    assert house.backend.wait(house.speak(), 10).state is JobState.DONE
    assert house.backend.wait(third, 15).state is JobState.EXPIRED
    house.gate.with_name("gate-torpid").touch()
    record = house.backend.wait(second, 10)
    assert (record.state, record.provider, record.attempts) == (JobState.DONE, "torpid", 1)
    assert not house.backend.get(first).state.ended
    house.gate.touch()
    assert house.backend.wait(first, 10).provider == "sluggish"


def test_a_worker_that_opens_an_engine_ends_when_it_is_told_to(house: House) -> None:
    """And what waited for the engine waits on, with all its attempts."""
    house.start()
    waiting = house.hear()
    assert house.backend.wait(house.speak(), 10).state is JobState.DONE
    house.worker.terminate()
    assert house.worker.wait(8) == 0
    record = house.backend.get(waiting)
    assert (record.state.ended, record.attempts) == (False, 0)
    house.gate.touch()
    house.start()
    assert house.backend.wait(waiting, 10).attempts == 1
