"""The microphone's stream belongs to the bus's thread, which waits for nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from rider_core.api.messages import encode_base64
from rider_core.link.echo_suppressor import EchoSuppressor
from rider_core.link.endpointing import Utterance
from rider_core.link.microphone_stream import MicrophoneStream
from rider_core.link.serial_executor import SerialExecutor
from rider_core.testing.waiting import wait_until

CHUNK = {"ts": 0.0, "rate": 16_000, "chunk_pcm": encode_base64(bytes(640))}


def test_the_bus_goes_on_while_redis_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    redis_answers, returned = threading.Event(), threading.Event()
    recognised: list[str | None] = []
    executor = SerialExecutor()
    executor.start()

    def recognise(utterance: Utterance, speech_ended: float, language: str | None) -> None:
        assert redis_answers.wait(30)
        recognised.append(language)

    microphone = MicrophoneStream(recognise, lambda: None, EchoSuppressor(lambda: 0.0), executor, "pl", barge_in=True)
    # Every chunk is an utterance.
    endpointer: Any = microphone._endpointer
    monkeypatch.setattr(endpointer, "feed", lambda pcm: iter([Utterance(pcm, 0.1)]))

    def receive() -> None:
        microphone.receive_chunk(CHUNK)
        microphone.receive_chunk({**CHUNK, "lang": "en-GB"})
        returned.set()

    thread = threading.Thread(target=receive)
    thread.start()
    assert returned.wait(5), "the bus's thread waits for Redis"
    assert not recognised
    redis_answers.set()
    wait_until(lambda: recognised == ["pl", "en"])
    thread.join()
    executor.stop()
