"""What may wait for Redis does not hold the robot's bus up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rider_core.api.messages import encode_base64
from rider_core.errors import JobFailed, RiderError
from rider_core.link import serial_executor
from rider_core.link.asr_pipeline import AsrPipeline, _PendingUtterance
from rider_core.link.echo_suppressor import EchoSuppressor
from rider_core.link.endpointing import Utterance
from rider_core.link.options import LinkOptions
from rider_core.link.serial_executor import SerialExecutor
from rider_core.link.services import LinkServices
from rider_core.testing.waiting import wait_until

CHUNK = {"ts": 0.0, "rate": 16_000, "chunk_pcm": encode_base64(bytes(640))}


class HangingBackend:
    """Of a Redis that hangs until the test is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.submitted = 0

    def submit(self, spec: Any) -> str:
        self.over.wait(30)
        self.submitted += 1
        return str(spec.id)


class NoConversation:
    """A conversation without a speaker."""

    def interrupt(self) -> None:
        pass


@pytest.fixture
def backend() -> Iterator[HangingBackend]:
    backend = HangingBackend()
    yield backend
    backend.over.set()


@pytest.fixture
def executor() -> Iterator[SerialExecutor]:
    executor = SerialExecutor()
    executor.start()
    yield executor
    executor.stop()


def new_pipeline(backend: HangingBackend, executor: SerialExecutor, failed_over: list[str]) -> AsrPipeline:
    """One that takes every piece of sound for an utterance."""
    services = LinkServices(backend, lambda *_, **__: None, lambda *_: iter(()), lambda: None, dict)  # type: ignore[arg-type,return-value]
    options = LinkOptions("tcp://127.0.0.1:9", "tcp://127.0.0.1:9", "http://127.0.0.1:9", "http://127.0.0.1:9")
    pipeline = AsrPipeline(
        services, lambda *_: True, failed_over.append, NoConversation(), EchoSuppressor(lambda: 0.0), executor, options
    )  # type: ignore[arg-type]
    pipeline._endpointer.feed = lambda pcm: iter([Utterance(pcm, 0.1)])  # type: ignore[method-assign]
    return pipeline


def test_the_bus_goes_on_while_redis_hangs(backend: HangingBackend, executor: SerialExecutor) -> None:
    pipeline = new_pipeline(backend, executor, [])
    taken = threading.Event()

    def receive() -> None:
        pipeline.receive_chunk(CHUNK)
        pipeline.receive_chunk(CHUNK)
        taken.set()

    thread = threading.Thread(target=receive)
    thread.start()
    assert taken.wait(5), "the bus's thread waits for Redis"
    assert backend.submitted == 0
    backend.over.set()
    wait_until(lambda: backend.submitted == 2)
    thread.join()


def test_what_waits_is_bounded(executor: SerialExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    over, done = threading.Event(), []
    assert executor.run(lambda: over.wait(30))  # type: ignore[arg-type,return-value]
    wait_until(lambda: executor._waiting.empty())
    taken = sum(executor.run(lambda: done.append(1)) for _ in range(3 * serial_executor.MAX_WAITING))
    assert taken == serial_executor.MAX_WAITING
    over.set()
    wait_until(lambda: len(done) == taken)


def test_a_call_that_raises_ends_nothing(executor: SerialExecutor) -> None:
    done = threading.Event()
    executor.run(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    executor.run(done.set)
    assert done.wait(5)


@pytest.mark.parametrize(
    ("error", "goes"),
    [
        (JobFailed("this is no sound", cause="invalid_input"), False),
        (JobFailed("the engine is broken", cause="provider_error"), True),
    ],
)
def test_one_sound_that_the_engine_refuses_does_not_take_voice_away(
    backend: HangingBackend, executor: SerialExecutor, error: RiderError, goes: bool
) -> None:
    failed_over: list[str] = []
    new_pipeline(backend, executor, failed_over)._fail(_PendingUtterance("job", Utterance(b"", 0.1), 0.0), error)
    assert bool(failed_over) == goes
