"""Chunks of speech for the robot's loudspeaker: their form, and how far ahead of playback they are sent."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import Any

import pytest

from rider_core.api import AudioClip
from rider_core.api.messages import decode_base64
from rider_core.link import keepalive, speech_output
from rider_core.link.speech_output import CHUNK, RESULT, SpeechOutput

CHUNK_CLIP = AudioClip(bytes(2 * 3_200), 16_000)  # 0.2 s


class Bus:
    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], float]] = []

    def __call__(self, topic: str, body: dict[str, Any]) -> bool:
        self.sent.append((topic, body, time.monotonic()))
        return True

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _, _ in self.sent]


def play(output: SpeechOutput, is_answer: bool, count: int = 3) -> None:
    for seq in range(count):
        assert not output.wait(is_answer, threading.Event())
        assert output.play(CHUNK_CLIP, is_answer, seq)
    output.end(is_answer)


def test_an_answer_sets_the_robots_timer_back_with_each_piece_and_leaves_its_face_idle() -> None:
    """The robot's code: a text that is not empty, no reply, an intent it does not know, and sound to play."""
    bus = Bus()
    play(SpeechOutput(bus, invisible_texts=True), is_answer=True)
    assert bus.topics == [RESULT] * 4
    for _, body, _ in bus.sent[:3]:
        assert body["text"].strip()
        assert (body["reply"], body["speak"]) == ("", True)
        assert body["intent"]["kind"].startswith("rider_pc.")
        clip = AudioClip.from_wav(decode_base64(body["tts"]["audio"], max_bytes=1 << 20, name="audio"))
        assert (clip, body["tts"]["format"]) == (CHUNK_CLIP, "wav")
    assert bus.sent[3][1]["speak"] is False, (
        'after a sound the robot\'s face is "thinking" until a result without sound'
    )
    assert [body["seq"] for _, body, _ in bus.sent[:3]] == [0, 1, 2]


def test_what_was_asked_for_comes_as_the_documents_say_and_after_the_one_before_it() -> None:
    bus = Bus()
    play(SpeechOutput(bus, invisible_texts=True), is_answer=False)
    assert bus.topics == [RESULT, CHUNK] * 3
    assert {body["text"] for topic, body, _ in bus.sent if topic == RESULT} == {keepalive.INVISIBLE}
    when = [at for topic, _, at in bus.sent if topic == CHUNK]
    gaps = [after - before for before, after in pairwise(when)]
    assert min(gaps) >= CHUNK_CLIP.duration_s + speech_output.START_S - 0.01


@pytest.mark.parametrize("is_answer", [False, True])
def test_no_invisible_text_is_sent_where_the_owner_wants_none(is_answer: bool) -> None:
    bus = Bus()
    play(SpeechOutput(bus, invisible_texts=False), is_answer)
    assert bus.topics == [CHUNK] * 3


def test_an_answer_is_never_far_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk that was sent is played, also when a person interrupts."""
    bus = Bus()
    output = SpeechOutput(bus, invisible_texts=True)
    began = time.monotonic()
    play(output, is_answer=True, count=6)
    played = 0.0
    for topic, body, at in bus.sent[:6]:
        assert topic == RESULT
        assert played - (at - began) <= speech_output.LEAD_S + 0.02, body["seq"]
        played += CHUNK_CLIP.duration_s + speech_output.START_S


def test_an_interruption_ends_the_wait_for_the_current_chunk() -> None:
    output = SpeechOutput(Bus(), invisible_texts=True)
    output.play(AudioClip(bytes(2 * 48_000), 16_000), True, 0)
    stopped = threading.Event()
    threading.Timer(0.05, stopped.set).start()
    began = time.monotonic()
    assert output.wait(True, stopped)
    assert time.monotonic() - began < 1.0
