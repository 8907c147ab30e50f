"""The link between a simulated robot and a real queue: results, refused messages, failover and takeover."""

from __future__ import annotations

import json
import time
from array import array
from itertools import groupby, pairwise
from typing import Any

import httpx
import pytest
import zmq
from link_harness import MEDIA, LinkHarness, metric

from rider_core.api import AudioClip
from rider_core.api.messages import decode_base64
from rider_core.simulator.faults import MALFORMED
from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow


def voice_modes(harness: LinkHarness) -> list[str]:
    """The modes of voice that the link published, in order."""
    return [event["mode"] for event in harness.events("robot.domain") if event["domain"] == "voice"]


def started(harness: LinkHarness) -> LinkHarness:
    harness.start_worker()
    harness.link.start()
    wait_until(lambda: harness.link.describe()["state"] == "up" and not harness.link.describe()["problems"])
    return harness


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_speech_comes_back_as_text_in_order(harness: LinkHarness) -> None:
    started(harness)
    harness.robot.play_to_microphone(AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()))
    harness.robot.mute(False)
    wait_until(lambda: len(harness.received("voice.asr.result")) >= 3, 30)
    for result in harness.received("voice.asr.result"):
        assert result["text"].endswith("seconds")
        assert "reply" not in result
    transcripts = harness.events("robot.transcript")
    assert [event["text"] for event in transcripts] == [body["text"] for body in harness.received("voice.asr.result")]
    assert all(0.4 < event["latency_s"] < 2.0 for event in transcripts)
    for event in transcripts:
        record = harness.backend.get(event["job_id"])
        steps = [
            event["captured_ts"],
            event["speech_ended_ts"],
            event["heard_ts"],
            record.ended_ts,
            event["delivered_ts"],
        ]
        assert all(0 <= later - earlier < 10 for earlier, later in pairwise(steps)), steps


@pytest.mark.parametrize("framing", ["multipart", "single"])
def test_texts_come_back_as_playable_sounds_in_order(harness: LinkHarness, framing: str) -> None:
    started(harness)
    harness.robot.request_speech("one three five", framing=framing)  # type: ignore[arg-type]
    harness.robot.request_speech("ninety", framing=framing)  # type: ignore[arg-type]
    wait_until(lambda: len(harness.received("voice.tts.chunk")) == 2)
    clips = [
        AudioClip.from_wav(decode_base64(chunk["audio"], max_bytes=1 << 20, name="audio"))
        for chunk in harness.received("voice.tts.chunk")
    ]
    words = [[(value, len(list(run)) // 160) for value, run in groupby(array("h", clip.pcm))] for clip in clips]
    assert words == [[(1, 3), (2, 5), (3, 4)], [(1, 6)]], "each text is one chunk, and nothing is missing in it"
    wait_until(lambda: len(harness.events("robot.speech")) == 2)
    for event in harness.events("robot.speech"):
        record = harness.backend.get(event["job_id"])
        assert record.task == "voice.synthesize"
        assert record.started_ts is not None
        assert record.started_ts - 0.002 <= event["delivered_ts"] <= time.time()


@pytest.mark.parametrize("voice", ["pl", "pl-PL", "pl_PL", "piper-pl", "alloy", "no such voice", "../../etc/passwd"])
def test_a_voice_that_the_engine_does_not_have_is_never_silence(
    harness: LinkHarness, voice: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The robot's documents name such voices. The voice's language is used instead, or the default."""
    started(harness)
    requested_at = [float("-inf")]

    def spoken() -> bool:
        if time.monotonic() - requested_at[0] > 2.0:  # the first request may be lost, and eight may wait
            requested_at[0] = time.monotonic()
            harness.robot.request_speech("one", voice)
        return bool(harness.events("robot.speech"))

    wait_until(spoken)
    assert not harness.events("robot.refused")
    warnings = [each.getMessage() for each in caplog.records if "it is spoken in" in each.getMessage()]
    assert bool(warnings) == (voice != "pl")
    if voice in ("pl-PL", "pl_PL", "piper-pl"):
        assert warnings[0].endswith("it is spoken in pl")


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_sound_in_the_documented_form_is_recognised_in_its_language(
    harness: LinkHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a rate, and with a language in each chunk."""
    send = harness.robot._voice._send

    def as_documented(topic: str, body: dict[str, Any], *rest: Any) -> None:
        if topic == "voice.asr.request":
            body = {key: value for key, value in body.items() if key != "rate"} | {"lang": "pl-PL", "rid": "r-1"}
        send(topic, body, *rest)

    monkeypatch.setattr(harness.robot._voice, "_send", as_documented)
    started(harness)
    harness.robot.play_to_microphone(AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()))
    harness.robot.mute(False)
    wait_until(lambda: harness.received("voice.asr.result"), 30)
    assert harness.received("voice.asr.result")[0]["language"] == "pl"


def test_every_malformed_message_is_refused_and_the_link_lives(harness: LinkHarness) -> None:
    started(harness)

    def refused() -> float:
        return sum(metric("rider_refused_total", where="link", code=code) for code in ("invalid_input", "too_large"))

    before = refused()
    for name in MALFORMED:
        if "oversized" not in name:  # these cut the connection, and messages until the next one are lost
            harness.robot.inject(name)
    wait_until(lambda: refused() - before >= 20)
    assert harness.events("robot.refused")
    harness.robot.inject("oversized")
    harness.robot.inject("oversized_single")

    def speaks() -> bool:
        harness.robot.request_speech("alive")
        return bool(harness.received("voice.tts.chunk"))

    wait_until(speaks, 15)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"text": "x" * 20_000}, "5000 characters"),
        ({"text": ""}, "text"),
        ({"text": 7}, "text"),
        ({}, "text: it is missing"),
        ({"text": "*** 😊"}, "nothing to say"),
        ({"text": "hello", "voice": 7}, "voice"),
    ],
)
def test_a_text_that_cannot_be_spoken_is_answered(harness: LinkHarness, body: dict[str, object], message: str) -> None:
    started(harness)
    with zmq.Context() as context, context.socket(zmq.SUB) as listener:
        listener.linger = 0
        listener.subscribe("pc.error")
        listener.connect(f"tcp://127.0.0.1:{harness.robot.subscribe_port}")

        def answered() -> bool:
            harness.robot.send("voice.tts.request", body)
            return bool(listener.poll(300))

        wait_until(answered)
        answer = json.loads(listener.recv_multipart()[1])
    event = harness.events("robot.refused")[0]
    assert event["topic"] == answer["topic"] == "voice.tts.request"
    assert message in event["message"]
    assert message in answer["message"]
    assert not harness.received("voice.tts.chunk")


def test_without_a_worker_voice_fails_over_until_a_worker_starts(harness: LinkHarness) -> None:
    harness.link.start()
    wait_until(lambda: harness.mode() == "local", 5)
    assert harness.reason() == "no worker can do voice.transcribe"
    harness.start_worker()
    wait_until(lambda: harness.mode() == "pc", 10)
    # The robot switches first; the link publishes the mode when the robot has announced it.
    wait_until(lambda: [mode for mode, _ in groupby(voice_modes(harness))] == ["pc", "local", "pc"])


def test_a_persons_switch_to_local_stays(harness: LinkHarness) -> None:
    started(harness)
    wait_until(lambda: voice_modes(harness))
    harness.robot.switch("voice", "local", "the owner")
    wait_until(lambda: voice_modes(harness)[-1] == "local")
    let_pass(1.5, "longer than the wait before a takeover")
    assert harness.mode() == "local"


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_a_broken_engine_fails_voice_over_with_its_reason(harness: LinkHarness) -> None:
    started(harness)
    harness.broken.write_text("the recogniser is broken")
    harness.robot.play_to_microphone(AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()))
    harness.robot.mute(False)
    wait_until(lambda: harness.mode() == "local", 20)
    assert "the recogniser is broken" in harness.reason()


def test_a_killed_redis_fails_voice_over(harness: LinkHarness) -> None:
    started(harness)
    harness.valkey.kill()
    wait_until(lambda: harness.mode() == "local", 10)
    assert "Redis cannot be reached" in harness.reason()
    harness.valkey.start()
    wait_until(lambda: harness.mode() == "pc", 20)


def test_the_address_is_sent_again_after_the_robots_api_restarts(harness: LinkHarness) -> None:
    def known_url() -> str:
        return str(httpx.get(f"{harness.robot.api_url}/api/providers/state", trust_env=False).json()["pc_base_url"])

    started(harness)
    assert known_url() == "http://127.0.0.1:9"
    harness.robot.kill_api()
    wait_until(lambda: harness.link.describe()["problems"])
    harness.robot.start_api()
    wait_until(lambda: known_url() == "http://127.0.0.1:9", 10)


def test_a_restarted_broker_is_found_again(harness: LinkHarness) -> None:
    started(harness)
    harness.robot.stop_broker()
    wait_until(lambda: harness.link.describe()["state"] == "down", 3)
    harness.robot.start_broker()
    wait_until(lambda: harness.link.describe()["state"] == "up", 10)

    def speaks() -> bool:
        harness.robot.request_speech("again")
        return bool(harness.received("voice.tts.chunk"))

    wait_until(speaks, 10)


def test_an_oversized_message_does_not_end_the_subscription(harness: LinkHarness) -> None:
    started(harness)
    harness.robot.inject("oversized")
    harness.robot.inject("oversized_single")

    def speaks() -> bool:
        harness.robot.request_speech("again")
        return bool(harness.received("voice.tts.chunk"))

    wait_until(speaks, 12)


def test_the_end_of_the_link_fails_voice_over(harness: LinkHarness) -> None:
    started(harness)
    wait_until(lambda: voice_modes(harness))
    harness.link.stop()
    assert (harness.mode(), harness.reason()) == ("local", "the PC's link ends")
