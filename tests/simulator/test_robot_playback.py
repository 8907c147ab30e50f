"""What the loudspeaker plays, for how long, and where the robot's player cuts a sound off."""

from __future__ import annotations

import base64

import pytest
from simulator_helpers import effect, sound

from rider_core.api import AudioClip
from rider_core.simulator.loudspeaker import Loudspeaker, limit_s
from rider_core.testing.waiting import wait_until

TONE = AudioClip(b"\x10\x20" * 800, 16_000)
WAV = base64.b64encode(TONE.to_wav()).decode()
PCM = base64.b64encode(TONE.pcm).decode()
GAP_S = 0.1


@pytest.mark.parametrize(
    "body",
    [
        {"audio": WAV, "format": "wav"},
        {"data": WAV},
        {"audio": WAV, "format": "flac"},
        {"chunk": PCM, "format": "pcm16", "sample_rate": 16_000},
        {"audio": PCM, "format": "audio/S16"},
    ],
)
def test_plays_chunks(make_robot, join, body):
    robot = make_robot()
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    bus.send("voice.tts.chunk", body)
    assert effect(robot, "voice.tts.chunk") == "played"
    assert [played.clip for played in robot.played] == [TONE]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"audio_data": WAV, "format": "wav"}, "no audio under"),
        ({"audio": PCM}, "no WAV file"),
        ({"audio": "!!!"}, "not base64"),
        ({"audio": "A" * 12_000_000}, "limit"),
        ({"audio": 5}, "no text"),
        ({"audio": PCM, "format": "pcm16", "sample_rate": "fast"}, "sample rate"),
        ({"audio": WAV, "format": 5}, "format"),
        ([1], "no object"),
    ],
)
def test_ignores_what_the_robot_cannot_play(make_robot, join, body, reason):
    robot = make_robot()
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    bus.send("voice.tts.chunk", body)
    assert reason in effect(robot, "voice.tts.chunk")
    assert robot.played == []
    assert robot.voice_path == "pc"


@pytest.mark.parametrize(
    ("rate", "channels", "limit"), [(16_000, 1, 4.55), (22_050, 1, 3.99), (24_000, 1, 3.87), (48_000, 2, 2.84)]
)
def test_the_players_limit(rate, channels, limit):
    assert limit_s(AudioClip(bytes(2 * channels), rate, channels)) == pytest.approx(limit, abs=0.01)
    loudspeaker = Loudspeaker(GAP_S)
    _, blocked_s = loudspeaker.play(sound(limit - 0.1, rate, channels), 0.0)
    whole = loudspeaker.played[0]
    assert (whole.cut, whole.audible_s) == (False, pytest.approx(limit - 0.1, abs=0.001))
    assert blocked_s == pytest.approx(GAP_S + whole.audible_s)
    assert whole.ended_at == pytest.approx(blocked_s)


def test_a_sound_beyond_the_limit_is_cut_and_the_robot_goes_on_before_its_end():
    """On the robot, the sound after one of 7 s began at 4.5 s, and the player was killed at 5.1 s."""
    loudspeaker = Loudspeaker(GAP_S)
    _, blocked_s = loudspeaker.play(sound(7.0), 0.0)
    cut = loudspeaker.played[0]
    assert cut.cut
    assert cut.clip.duration_s == 7.0
    assert blocked_s == pytest.approx(4.55, abs=0.01)
    assert cut.ended_at == pytest.approx(5.1)
    assert cut.audible_s == pytest.approx(5.0)


def test_the_next_sound_begins_over_one_that_was_cut(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    bus.send("voice.tts.chunk", sound(3.2, 48_000, 2))
    bus.send("voice.tts.chunk", sound(0.1))
    effect(robot, "voice.tts.chunk", 2)
    first, second = robot.played
    assert first.cut
    assert second.at < first.ended_at - 0.3


def test_raw_samples_are_played_at_16_khz_whatever_their_rate():
    loudspeaker = Loudspeaker(GAP_S)
    body = {"audio": base64.b64encode(bytes(2 * 24_000)).decode(), "format": "pcm16", "sample_rate": 24_000}
    _, blocked_s = loudspeaker.play(body, 0.0)
    assert loudspeaker.played[0].clip.sample_rate == 16_000
    assert blocked_s == pytest.approx(GAP_S + 1.5)
