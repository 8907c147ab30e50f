"""What the robot makes of what it receives: voice, loudspeaker, motion, navigator."""

from __future__ import annotations

import base64
import time

import pytest

from rider_core.api import AudioClip
from rider_core.testing.waiting import wait_until

TONE = AudioClip(b"\x10\x20" * 800, 16_000)
WAV = base64.b64encode(TONE.to_wav()).decode()
PCM = base64.b64encode(TONE.pcm).decode()


def effect(robot, topic: str, number: int = 1) -> str:
    return robot.received.wait(topic, count=number)[-1].effect


@pytest.mark.parametrize(
    "body",
    [
        {"audio": WAV, "format": "wav"},
        {"data": WAV},
        {"chunk": PCM, "format": "pcm16", "sample_rate": 16_000},
        {"audio": PCM, "format": "pcm16"},
    ],
)
def test_plays_chunks(make_robot, join, body):
    robot = make_robot()
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    bus.say("voice.tts.chunk", body)
    assert effect(robot, "voice.tts.chunk") == "played"
    assert [played.clip for played in robot.played] == [TONE]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"audio_data": WAV, "format": "wav"}, "no audio under"),
        ({"audio": PCM}, "not a WAV file"),
        ({"audio": "!!!"}, "not base64"),
        ({"audio": "A" * 12_000_000}, "limit"),
        ({"audio": 5}, "no text"),
        ({"audio": PCM, "format": "pcm16", "sample_rate": "fast"}, "sample rate"),
        ({"audio": PCM, "format": "flac"}, "flac"),
    ],
)
def test_ignores_what_the_robot_cannot_play(make_robot, join, body, reason):
    robot = make_robot()
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    bus.say("voice.tts.chunk", body)
    assert reason in effect(robot, "voice.tts.chunk")
    assert robot.played == []


def test_voice_reads_multipart_only(make_robot, join):
    robot = make_robot()
    join(robot).say("voice.asr.result", {"text": "hello"}, single=True)
    assert "multipart" in effect(robot, "voice.asr.result")


def test_a_result_is_shown_spoken_and_its_sound_played(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    bus.say("voice.asr.result", {"text": " hello ", "language": "en", "reply": "hi", "tts": {"audio": WAV}})
    assert bus.hear("audio.transcript")["text"] == "hello"
    assert bus.hear("assistant.speech")["text"] == "hi"
    assert effect(robot, "voice.asr.result") == "text, sound played"


def test_a_text_with_half_a_surrogate_does_not_end_the_robot(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    bus.say("voice.asr.result", {"text": "a\ud800"})
    assert bus.hear("audio.transcript")["text"] == "a?"


def test_empty_texts_do_not_stop_the_fallback_timer(make_robot, join):
    robot = make_robot(voice_fallback_s=1.0, voice_restart_s=None)
    bus = join(robot)
    begin = time.monotonic()

    def fallen() -> bool:
        bus.say("voice.asr.result", {"text": "  "})
        return robot.voice_path is None

    wait_until(fallen)
    assert time.monotonic() - begin < 3
    assert bus.hear("provider.voice.state", lambda body: body["status"] == "fallback")["mode"] == "pc"
    assert bus.hear("provider.voice.state")["reason"] == "pc_timeout"


def test_texts_do_stop_it(make_robot, join):
    robot = make_robot(voice_fallback_s=1.0)
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    end = time.monotonic() + 2.5

    def over() -> bool:
        bus.say("voice.asr.result", {"text": "hello"})
        return time.monotonic() > end

    wait_until(over)
    assert robot.voice_path == "pc"


def test_voice_and_the_api_disagree_after_a_fallback(make_robot, join, api):
    robot = make_robot(voice_fallback_s=0.3, voice_restart_s=0.05)
    join(robot)
    wait_until(lambda: robot.voice_path == "local")
    assert robot.domains["voice"]["mode"] == "pc"
    assert api(robot).patch("/api/providers/voice", json={"target": "pc"}).json()["changed"] is False
    assert robot.voice_path == "local"


def test_voice_takes_pc_only_when_it_starts(make_robot, join):
    robot = make_robot(pc_domains=(), voice_restart_s=None)
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "local")
    robot.switch("voice", "pc")
    wait_until(lambda: robot.voice_path is None)
    assert "voice.asr.request" not in {message[1] for message in bus.record(0.5)}
    robot.restart_voice()
    bus.hear("voice.asr.request")
    robot.switch("voice", "local")
    wait_until(lambda: robot.voice_path is None)


def test_a_text_that_is_a_number_ends_the_voice_service(make_robot, join):
    robot = make_robot(voice_restart_s=None)
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    bus.say("voice.asr.result", {"text": 5})
    assert "ended" in effect(robot, "voice.asr.result")
    assert robot.voice_path is None


@pytest.mark.parametrize("single", [True, False])
def test_moves_for_the_duration_and_stops(make_robot, join, single):
    robot = make_robot()
    bus = join(robot)
    bus.say("cmd.move", {"vx": 0.5, "yaw": 0, "duration": 0.3}, single=single)
    bus.hear("motion.state", lambda body: body["moving"])
    assert bus.hear("motion.bridge.event", lambda body: body["event"] == "auto_stop")
    wait_until(lambda: not robot.moving)
    assert 0.03 < robot.pose.x < 0.15


def test_old_commands_are_dropped(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    bus.say("cmd.move", {"vx": 0.5, "duration": 0.5, "ts": time.time() - 0.4}, single=True)
    assert "200 ms" in effect(robot, "cmd.move")
    assert bus.hear("motion.bridge.event", lambda body: body["event"] == "skip_cmd.move")
    bus.say("cmd.move", {"vx": 0.5, "duration": 0.5, "ts": time.time()}, single=True)
    assert effect(robot, "cmd.move", 2) == "moved"


def test_a_skewed_clock_kills_stamped_commands(make_robot, join):
    robot = make_robot(clock_skew_s=5.0)
    bus = join(robot)
    bus.say("cmd.move", {"vx": 0.5, "ts": time.time()})
    assert "200 ms" in effect(robot, "cmd.move")
    bus.say("cmd.move", {"vx": 0.5})
    assert effect(robot, "cmd.move", 2) == "moved"


@pytest.mark.parametrize("single", [True, False])
def test_stop_stops(make_robot, join, single):
    robot = make_robot()
    bus = join(robot)
    bus.say("cmd.move", {"vx": 0.5, "duration": 0.6}, single=True)
    wait_until(lambda: robot.moving)
    bus.say("cmd.stop", {}, single=single)
    assert effect(robot, "cmd.stop") == "stopped"
    assert not robot.moving


@pytest.mark.parametrize("value", ["fast", None, float("nan"), 10**4000])
def test_a_command_that_is_no_number_moves_nothing(make_robot, join, value):
    robot = make_robot()
    join(robot).say("cmd.move", {"vx": value}, single=True)
    assert effect(robot, "cmd.move").startswith("ignored")
    assert not robot.moving


def test_yaw_has_two_signs(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    bus.say("cmd.move", {"yaw": 0.5, "duration": 0.2}, single=False)
    bus.hear("motion.state", lambda body: body["cmd"]["az"] > 0)
    bus.say("cmd.stop", {})
    bus.say("cmd.move", {"yaw": 0.5, "duration": 0.2}, single=True)
    bus.hear("motion.state", lambda body: body["cmd"]["az"] < 0)


def test_control_over_http_is_confirmed_on_the_bus(make_robot, join, api):
    robot = make_robot()
    bus = join(robot)
    answer = api(robot).post("/api/control", json={"cmd": "move", "dir": "forward", "v": 0.4, "t": 0.3})
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    assert bus.hear("motion.bridge.event", lambda body: body["event"] == "forward")["detail"]["v"] == 0.4
    assert api(robot).post("/api/control", json={"cmd": "stop"}).json() == {"ok": True}
    assert bus.hear("motion.bridge.event", lambda body: body["event"] == "stop")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"cmd": "jump"},
        {"cmd": "move"},
        {"cmd": "move", "dir": "up", "v": 0.1, "t": 0.1},
        {"cmd": "move", "dir": "left", "v": 1.01, "t": 0.1},
        {"cmd": "move", "dir": "left", "v": -0.1, "t": 0.1},
        {"cmd": "move", "dir": "left", "v": 0.1, "t": 0},
        {"cmd": "move", "dir": "left", "v": 0.1, "t": 0.51},
        {"cmd": "move", "dir": "left", "v": "nan", "t": 0.1},
        {"cmd": "move", "dir": "left", "v": [1], "t": 0.1},
        [1],
    ],
)
def test_control_refuses(make_robot, api, body):
    answer = api(make_robot()).post("/api/control", json=body)
    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert answer.json()["error"]


def test_control_without_the_bridge(make_robot, api):
    robot = make_robot()
    robot.break_motion_bridge()
    answer = api(robot).post("/api/control", json={"cmd": "stop"})
    assert (answer.status_code, answer.json()["ok"]) == (502, False)


def test_a_missing_present_means_clear(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    bus.say("vision.obstacle.enhanced", {"present": True, "distance": 0.5, "angle": 3})
    assert effect(robot, "vision.obstacle.enhanced") == "obstacle"
    assert robot.obstacle_present
    bus.say("vision.obstacle.enhanced", {"obstacles": [1], "confidence": 1})
    assert effect(robot, "vision.obstacle.enhanced", 2) == "clear"


@pytest.mark.parametrize("value", ["near", None, [1], True])
def test_a_distance_that_is_no_number_ends_the_navigator(make_robot, join, value):
    robot = make_robot()
    bus = join(robot)
    bus.say("vision.obstacle.enhanced", {"present": True, "distance": value})
    assert "ended" in effect(robot, "vision.obstacle.enhanced")
    assert not robot.navigator_alive


def test_tracking_pose_drives_forward_and_an_offset_turns(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    bus.say("vision.tracking.offset", {"offset_x": 0.5, "mode": "face"})
    bus.hear("motion.state", lambda body: body["cmd"]["az"] == -0.5)
    bus.say("tracking.pose", {})
    bus.hear("motion.state", lambda body: body["cmd"]["lx"] > 0)
