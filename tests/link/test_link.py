"""The link between a simulated robot and a real queue: what comes back, what is refused, and who serves when."""

from __future__ import annotations

import json
import signal
import time
from array import array
from itertools import groupby
from typing import Any

import pytest
import zmq
from link_stage import MEDIA, Stage, metric

from rider_core.api import AudioClip
from rider_core.api.messages import decode_base64
from rider_core.simulator.faults import MALFORMED
from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow


def voice_modes(stage: Stage) -> list[str]:
    """What the link told of voice, in order."""
    return [told["mode"] for told in stage.tells("robot.domain") if told["domain"] == "voice"]


def started(stage: Stage) -> Stage:
    stage.start_worker()
    stage.link.start()
    wait_until(lambda: stage.link.describe()["state"] == "up" and not stage.link.describe()["problems"])
    return stage


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_speech_comes_back_as_text_in_order(stage: Stage) -> None:
    started(stage)
    stage.robot.play_to_microphone(AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()))
    stage.robot.mute(False)
    wait_until(lambda: len(stage.heard("voice.asr.result")) >= 3, 30)
    for result in stage.heard("voice.asr.result"):
        assert result["text"].endswith("seconds")
        assert "reply" not in result
    transcripts = stage.tells("robot.transcript")
    assert [told["text"] for told in transcripts] == [body["text"] for body in stage.heard("voice.asr.result")]
    assert all(0.4 < told["latency_s"] < 2.0 for told in transcripts)


@pytest.mark.parametrize("framing", ["multipart", "single"])
def test_text_comes_back_as_sound_in_order_and_playable_one_by_one(stage: Stage, framing: str) -> None:
    started(stage)
    stage.robot.request_speech("one three five", framing=framing)  # type: ignore[arg-type]
    stage.robot.request_speech("ninety", framing=framing)  # type: ignore[arg-type]
    wait_until(lambda: len(stage.heard("voice.tts.chunk")) == 2)
    clips = [
        AudioClip.from_wav(decode_base64(chunk["audio"], max_bytes=1 << 20, name="audio"))
        for chunk in stage.heard("voice.tts.chunk")
    ]
    words = [[(value, len(list(run)) // 160) for value, run in groupby(array("h", clip.pcm))] for clip in clips]
    assert words == [[(1, 3), (2, 5), (3, 4)], [(1, 6)]], "each text is one piece, and nothing is missing in it"
    wait_until(lambda: len(stage.tells("robot.speech")) == 2)


@pytest.mark.parametrize("voice", ["pl", "pl-PL", "pl_PL", "piper-pl", "alloy", "no such voice", "../../etc/passwd"])
def test_a_voice_that_the_engine_does_not_have_is_never_silence(
    stage: Stage, voice: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The robot's documents name such: the language of the voice stands in, or the default."""
    started(stage)

    asked = [float("-inf")]

    def spoken() -> bool:
        if time.monotonic() - asked[0] > 2.0:  # the robot's first words may be lost, and eight may wait
            asked[0] = time.monotonic()
            stage.robot.request_speech("one", voice)
        return bool(stage.tells("robot.speech"))

    wait_until(spoken)
    assert not stage.tells("robot.refused")
    warnings = [each.getMessage() for each in caplog.records if "it is spoken in" in each.getMessage()]
    assert bool(warnings) == (voice != "pl")
    if voice in ("pl-PL", "pl_PL", "piper-pl"):
        assert warnings[0].endswith("it is spoken in pl")


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_sound_as_the_robots_documents_have_it_is_heard_in_its_language(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a rate, and with a language for each piece."""
    send = stage.robot._voice._send

    def as_documented(topic: str, body: dict[str, Any], *rest: Any) -> None:
        if topic == "voice.asr.request":
            body = {key: value for key, value in body.items() if key != "rate"} | {"lang": "pl-PL", "rid": "r-1"}
        send(topic, body, *rest)

    monkeypatch.setattr(stage.robot._voice, "_send", as_documented)
    started(stage)
    stage.robot.play_to_microphone(AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()))
    stage.robot.mute(False)
    wait_until(lambda: stage.heard("voice.asr.result"), 30)
    assert stage.heard("voice.asr.result")[0]["language"] == "pl"


def test_every_malformed_message_is_refused_and_the_link_lives(stage: Stage) -> None:
    started(stage)

    def refused() -> float:
        return sum(metric("rider_refused_total", where="link", code=code) for code in ("invalid_input", "too_large"))

    before = refused()
    for name in MALFORMED:
        if "oversized" not in name:  # these cut the connection, and what is sent before it is back gets lost
            stage.robot.inject(name)
    wait_until(lambda: refused() - before >= 20)
    assert stage.tells("robot.refused")
    stage.robot.inject("oversized")
    stage.robot.inject("oversized_single")

    def speaks() -> bool:
        stage.robot.request_speech("alive")
        return bool(stage.heard("voice.tts.chunk"))

    wait_until(speaks, 15)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"text": "x" * 20_000}, "5000 characters"),
        ({"text": ""}, "text"),
        ({"text": 7}, "text"),
        ({}, "text: Field required"),
        ({"text": "*** 😊"}, "nothing to say"),
        ({"text": "hello", "voice": 7}, "voice"),
    ],
)
def test_a_text_that_cannot_be_spoken_is_answered(stage: Stage, body: dict[str, object], message: str) -> None:
    started(stage)
    with zmq.Context() as context, context.socket(zmq.SUB) as listener:
        listener.linger = 0
        listener.subscribe("pc.error")
        listener.connect(f"tcp://127.0.0.1:{stage.robot.subscribe_port}")

        def answered() -> bool:
            stage.robot.send("voice.tts.request", body)
            return bool(listener.poll(300))

        wait_until(answered)
        answer = json.loads(listener.recv_multipart()[1])
    told = stage.tells("robot.refused")[0]
    assert told["topic"] == answer["topic"] == "voice.tts.request"
    assert message in told["message"]
    assert message in answer["message"]
    assert not stage.heard("voice.tts.chunk")


def test_without_a_worker_voice_is_handed_back_and_taken_again_when_one_is_there(stage: Stage) -> None:
    stage.link.start()
    wait_until(lambda: stage.mode() == "local", 5)
    assert stage.reason() == "no worker can do voice.transcribe"
    stage.start_worker()
    wait_until(lambda: stage.mode() == "pc", 10)
    # The robot switches first; the link tells it when it has heard the robot say so.
    wait_until(lambda: [mode for mode, _ in groupby(voice_modes(stage))] == ["pc", "local", "pc"])


def test_what_a_person_switched_to_local_stays_local(stage: Stage) -> None:
    started(stage)
    wait_until(lambda: voice_modes(stage))
    stage.robot.switch("voice", "local", "the owner")
    wait_until(lambda: voice_modes(stage)[-1] == "local")
    let_pass(1.5, "longer than the link waits before it takes a domain again")
    assert stage.mode() == "local"


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_a_broken_engine_hands_voice_back_with_its_reason(stage: Stage) -> None:
    started(stage)
    stage.broken.write_text("the ear has fallen off")
    stage.robot.play_to_microphone(AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()))
    stage.robot.mute(False)
    wait_until(lambda: stage.mode() == "local", 20)
    assert "the ear has fallen off" in stage.reason()


def test_a_killed_redis_hands_voice_back(stage: Stage) -> None:
    started(stage)
    stage.valkey.kill()
    wait_until(lambda: stage.mode() == "local", 10)
    assert "Redis cannot be reached" in stage.reason()
    stage.valkey.start()
    wait_until(lambda: stage.mode() == "pc", 20)


def test_the_address_is_told_again_after_the_robot_restarts(stage: Stage) -> None:
    started(stage)
    wait_until(lambda: "127.0.0.1:9" in str(stage.robot.describe()) or stage.tells("robot.link"))
    stage.robot.kill_api()
    wait_until(lambda: stage.link.describe()["problems"])
    stage.robot.start_api()
    wait_until(lambda: not stage.link.describe()["problems"], 10)


def test_a_restarted_broker_is_found_again(stage: Stage) -> None:
    started(stage)
    stage.robot.stop_broker()
    wait_until(lambda: stage.link.describe()["state"] == "down", 3)
    stage.robot.start_broker()
    wait_until(lambda: stage.link.describe()["state"] == "up", 10)

    def speaks() -> bool:
        stage.robot.request_speech("again")
        return bool(stage.heard("voice.tts.chunk"))

    wait_until(speaks, 10)


def test_an_oversized_message_does_not_leave_the_socket_deaf(stage: Stage) -> None:
    started(stage)
    stage.robot.inject("oversized")
    stage.robot.inject("oversized_single")

    def speaks() -> bool:
        stage.robot.request_speech("again")
        return bool(stage.heard("voice.tts.chunk"))

    wait_until(speaks, 12)


def test_the_end_of_the_link_hands_voice_back(stage: Stage) -> None:
    started(stage)
    wait_until(lambda: voice_modes(stage))
    stage.link.stop()
    assert (stage.mode(), stage.reason()) == ("local", "the PC's link ends")


def test_a_killed_worker_is_noticed(stage: Stage) -> None:
    worker = stage.start_worker()
    stage.link.start()
    wait_until(lambda: voice_modes(stage))
    worker.send_signal(signal.SIGKILL)
    wait_until(lambda: stage.mode() == "local", 20)
