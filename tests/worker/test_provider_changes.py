"""A running worker heeds what people change: engines on and off, their order, and their settings; no job is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from harness.model_plugin import BODIES, install_models

from rider_core.api import JobRecord, JobSpec, JobState
from rider_core.config import load_settings
from rider_core.errors import JobFailed
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.runtime.services import Services
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

#: Time in seconds from a change to its effect in running workers, as the page promises it.
PROMISED_S = 3.0
SOURCE = """
import time
from pydantic import Field
from rider_core.api import ProviderConfig, TextGenerator, hookimpl

RIDER_API = "1.0"

class OneConfig(ProviderConfig):
    greeting: str = Field("one", description="the answer")
    slow_s: float = Field(0.0, description="time of each answer")

class One(TextGenerator):
    name = "one"
    Config = OneConfig
    def generate_stream(self, request):
        time.sleep(self.config.slow_s)
        yield self.config.greeting
    def close(self):
        print("one is closed")

class Two(TextGenerator):
    name = "two"
    def generate_stream(self, request):
        yield "two"

class Made(TextGenerator):
    name = "made-up"
    mock = True
    def generate_stream(self, request):
        yield "made up"

@hookimpl
def register_providers(register):
    for provider in (One, Two, Made):
        register(provider)
"""


class Changes:
    """A worker with two engines and a mock, and the services of somebody who changes something."""

    def __init__(self, processes: Processes, valkey: Valkey, connection: redis.Redis) -> None:
        install_plugin(processes.folder, "two-engines", SOURCE)
        self.processes = processes
        processes.environment.update(REDIS_URL=valkey.url)
        processes.start("-m", "rider_core.cli.main", "db", "upgrade").wait(30)
        processes.fork("rider_core.cli.main", "worker", "text", log="worker")
        self.backend = RedisJobBackend(connection, RQLists())
        wait_until(lambda: self.capacity == 1, what="a worker's start")

    @property
    def capacity(self) -> int:
        return self.backend.capacity()["text.generate"]

    def rider(self, *arguments: str) -> None:
        process = self.processes.fork("rider_core.cli.main", *arguments, log="cli")
        assert process.wait(20) == 0, self.processes.log("cli")

    def run(self, **more: Any) -> JobRecord:
        return self.backend.run(JobSpec(task="text.generate", payload={"prompt": "x"}, **more), 10)

    def said(self) -> str:
        return str(self.run().value()["text"])

    def seconds(self) -> float:
        """Run time of a job in seconds, without its time in the queue."""
        record = self.run()
        assert record.started_ts is not None
        assert record.ended_ts is not None
        return record.ended_ts - record.started_ts

    def wait_for(self, text: str) -> None:
        """Until a job is answered with that, which must be within `PROMISED_S`."""
        began = time.monotonic()
        wait_until(lambda: self.said() == text, what=f"an answer {text!r}")
        assert time.monotonic() - began < PROMISED_S


@pytest.fixture
def changes(processes: Processes, valkey: Valkey, connection: redis.Redis) -> Iterator[Changes]:
    changes = Changes(processes, valkey, connection)
    yield changes
    changes.backend.close()


def test_an_engine_is_switched_off_and_on(changes: Changes) -> None:
    assert changes.said() == "one"
    changes.rider("providers", "disable", "one")
    changes.wait_for("two")
    assert "one is closed" in changes.processes.log("worker")
    with pytest.raises(JobFailed, match="switched off: one"):
        changes.run(provider="one").value()
    changes.rider("providers", "disable", "two")
    wait_until(lambda: changes.capacity == 0, PROMISED_S, what="no worker can do it")
    with pytest.raises(JobFailed, match="switched off: one, two"):
        changes.said()
    changes.rider("providers", "enable", "one")
    wait_until(lambda: changes.capacity == 1, PROMISED_S, what="a worker can do it")
    assert changes.said() == "one"


def test_the_order_is_changed(changes: Changes) -> None:
    changes.rider("providers", "first", "two")
    changes.wait_for("two")
    changes.rider("providers", "first", "made-up")
    changes.wait_for("made up")
    assert changes.run().mock
    changes.rider("providers", "first", "one")
    changes.wait_for("one")


def test_settings_are_used_at_once_and_no_job_is_lost(changes: Changes) -> None:
    stop = threading.Event()
    answers: list[str] = []

    def keep_asking() -> None:
        while not stop.is_set():
            answers.append(changes.said())

    asking = threading.Thread(target=keep_asking)
    asking.start()
    wait_until(lambda: len(answers) > 20)
    changes.rider("config", "set", "one", "greeting=hello")
    began = time.monotonic()
    wait_until(lambda: answers[-1] == "hello", what="the new settings")
    assert time.monotonic() - began < PROMISED_S
    changes.rider("config", "reset", "one")
    wait_until(lambda: answers[-1] == "one", what="the settings before")
    stop.set()
    asking.join(10)
    assert set(answers) == {"one", "hello"}, "each job was done, by the engine that was chosen"


def test_a_running_job_is_finished_by_its_engine(changes: Changes) -> None:
    changes.rider("config", "set", "one", "slow_s=2")
    wait_until(lambda: changes.seconds() > 1.5, what="the engine is open with it")
    job_id = changes.backend.submit(JobSpec(task="text.generate", payload={"prompt": "x"}))
    wait_until(lambda: changes.backend.get(job_id).state is JobState.RUNNING)
    changes.rider("providers", "disable", "one")
    record = changes.backend.wait(job_id, 10)
    assert (record.value()["text"], record.provider, record.attempts) == ("one", "one", 1)


def test_a_lost_counter_is_no_lost_change(changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis was emptied, or away: the database is read again by and by."""
    for name, value in changes.processes.environment.items():
        monkeypatch.setenv(name, value)
    services = Services.open(load_settings(), "test")
    services.provider_choices.look()
    changes.rider("providers", "disable", "one")
    services.redis.delete("rider:providers:changes")
    monkeypatch.setattr("rider_core.runtime.provider_choices.LOOK_EVERY_S", 0.0)
    monkeypatch.setattr("rider_core.runtime.provider_choices.READ_EVERY_S", 0.1)
    wait_until(lambda: not services.provider_choices.of("one").enabled)
    services.close()


def test_an_engine_without_its_model_is_opened_as_soon_as_that_is_there(
    processes: Processes, valkey: Valkey, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_models(processes.folder, "http://127.0.0.1:1")
    processes.environment.update(REDIS_URL=valkey.url)
    processes.start("-m", "rider_core.cli.main", "db", "upgrade").wait(30)
    processes.fork("rider_core.cli.main", "worker", "voice", log="worker")
    wait_until(lambda: "model 'ears' is not installed" in processes.log("worker"), what="the worker lacks it")
    for name, value in processes.environment.items():
        monkeypatch.setenv(name, value)
    services = Services.open(load_settings(), "test")
    services.catalogue.folder.mkdir()
    (services.catalogue.folder / "ears.bin").write_bytes(BODIES["ears"])
    services.announce_models()
    wait_until(
        lambda: services.backend.capacity()["voice.transcribe"] == 1, PROMISED_S, what="a worker that uses the model"
    )
    services.close()
