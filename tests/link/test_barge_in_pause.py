"""Pauses in a long answer, because the robot's microphone is silent while it plays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rider_core.api import AudioClip
from rider_core.api.events import Event
from rider_core.api.messages import encode_base64
from rider_core.link import barge_in_pause
from rider_core.link.barge_in_pause import BargeInPause
from rider_core.link.serial_executor import SerialExecutor
from rider_core.link.services import LinkServices
from rider_core.link.speech_output import RESULT, SpeechOutput
from rider_core.link.tts_pipeline import TtsJob, TtsPipeline
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

SENTENCE = AudioClip(bytes(2 * 8_000), 16_000)  # 0.5 s


class Robot:
    """Its microphone sends no chunk while it plays."""

    def __init__(self) -> None:
        self.output = SpeechOutput(self._receive, invisible_texts=True)
        self.sentences = 0
        self.late_s = 0.0
        self.has_microphone = True

    def last_chunk(self) -> float:
        now = time.monotonic()
        return now if self.has_microphone and now > self.output.plays_until + self.late_s else 0.0

    def _receive(self, topic: str, body: dict[str, Any]) -> bool:
        self.sentences += topic == RESULT and "tts" in body and body["seq"] == 0
        return True


class Engine:
    """Synthesizes half a second of sound for each text."""

    def submit(self, spec: Any) -> str:
        return str(spec.id)

    def cancel(self, job_id: str) -> None:
        pass

    def follow(self, job_id: str, silence_s: float) -> Iterator[Event]:
        sound = {"seq": 0, "audio": encode_base64(SENTENCE.to_wav()), "sample_rate": 16_000, "duration_s": 0.5}
        yield Event(kind="job.partial", ts=0, data=sound)
        yield Event(kind="job.done", ts=0)


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch) -> Robot:
    monkeypatch.setattr(barge_in_pause, "AFTER_S", 0.5)
    monkeypatch.setattr(barge_in_pause, "LISTEN_S", 0.4)
    monkeypatch.setattr(barge_in_pause, "LISTEN_TO_SPEECH_S", 0.8)
    return Robot()


def pause(robot: Robot, speech_s: Callable[[], float] = lambda: 0.0) -> BargeInPause:
    return BargeInPause(robot.output, robot.last_chunk, speech_s)


def paused_s(robot: Robot, **arguments: Any) -> float:
    """Length of the pause after the end of playback, in seconds."""
    assert not pause(robot, **arguments).wait(threading.Event())
    return time.monotonic() - robot.output.plays_until


def play(robot: Robot) -> None:
    robot.output.play(SENTENCE, True, 0)


def speak(robot: Robot, sentences: int) -> TtsPipeline:
    engine = Engine()
    services = LinkServices(engine, lambda *_, **__: None, engine.follow, lambda: None, dict)  # type: ignore[arg-type,return-value]
    tts = TtsPipeline(services, robot.output, None, SerialExecutor(), 1.5, pause(robot))  # type: ignore[arg-type]
    tts.start()
    for number in range(sentences):
        assert tts.say(TtsJob(f"Sentence {number}.", None, "answer"), 1.0)
    return tts


def test_a_person_who_speaks_over_the_robot_interrupts_it_at_the_next_end_of_a_sentence(robot: Robot) -> None:
    tts = speak(robot, 6)
    wait_until(lambda: robot.last_chunk() and robot.sentences, what="the microphone")
    tts.stop_answer("answer")
    wait_until(lambda: not tts._in_progress)
    assert robot.sentences == 1
    tts.stop()


def test_without_speech_in_the_pauses_all_sentences_are_spoken(robot: Robot) -> None:
    tts = speak(robot, 3)
    wait_until(lambda: not tts._in_progress)
    tts.stop()
    assert robot.sentences == 3


def test_a_short_answer_has_no_pause(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barge_in_pause, "AFTER_S", 5.0)
    play(robot)
    assert paused_s(robot) < 0


def test_it_begins_when_the_microphone_is_back(robot: Robot) -> None:
    """The robot plays longer than expected."""
    robot.late_s = 0.7
    play(robot)
    assert 1.0 < paused_s(robot) < 2.0


def test_who_has_just_begun_to_speak_is_listened_to_for_longer(robot: Robot) -> None:
    play(robot)
    assert 0.7 < paused_s(robot, speech_s=lambda: 0.1) < 1.5


def test_a_microphone_that_never_comes_back_is_not_waited_for(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barge_in_pause, "LIMIT_S", 0.5)
    robot.has_microphone = False
    play(robot)
    assert 0.4 < paused_s(robot) < 1.2


def test_what_was_played_before_the_question_is_no_part_of_the_answer(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rider_core.link.speech_output.PAUSE_S", 0.1)
    play(robot)
    wait_until(lambda: time.monotonic() > robot.output.plays_until + 0.2)
    assert robot.output.played_s == 0
    play(robot)
    play(robot)
    assert robot.output.played_s == pytest.approx(1.2, abs=0.05)
