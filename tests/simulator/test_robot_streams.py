"""What the robot sends: rates, framings, bodies."""

from __future__ import annotations

import base64
import struct
from itertools import islice, pairwise

import numpy as np
import pytest
import simplejpeg

from rider_core.api import AudioClip
from rider_core.errors import ConfigError
from rider_core.link.camera_liveness import CameraLiveness
from rider_core.simulator import RobotConfig, SimulatedRobot
from rider_core.simulator.camera import FRAME_S
from rider_core.simulator.frozen_camera import DISTINCT, encodings
from rider_core.simulator.periodic import Periodic
from rider_core.testing.waiting import wait_until

#: Topic to messages a second, framings, and how far the rate may be off (in per cent) over two seconds.
RATES = {
    "voice.asr.request": (50, {"multipart"}, 8),
    "motion.state": (14.3, {"multipart"}, 15),
    "imu.data": (10, {"multipart"}, 15),
    "robot.pose": (5, {"multipart"}, 25),
    "vision.frame.offload": (4.5, {"multipart"}, 15),
    "devices.xgo": (7, {"multipart", "single"}, 25),
}


def grey(jpeg: bytes) -> np.ndarray:
    return simplejpeg.decode_jpeg(jpeg, colorspace="GRAY").astype(np.int16)


@pytest.mark.acceptance
@pytest.mark.measures
def test_rates_and_framings(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    received = bus.record(2.0)
    for topic, (rate, framings, off_pct) in RATES.items():
        count = sum(message[1] == topic for message in received)
        assert count == pytest.approx(2 * rate, rel=off_pct / 100, abs=1), topic
        assert {message[3] for message in received if message[1] == topic} == framings, topic
    single = {message[1] for message in received if message[3] == "single"}
    assert single == {"devices.xgo"}


def test_microphone_bodies_never_pause(make_robot, join):
    received = [body for _, topic, body, _ in join(make_robot(pause_s=60)).record(1.5) if topic == "voice.asr.request"]
    assert all(set(body) == {"ts", "rate", "len", "chunk_pcm"} for body in received)
    assert all((body["rate"], body["len"]) == (16_000, 640) for body in received)
    samples = [struct.unpack("<320h", base64.b64decode(body["chunk_pcm"], validate=True)) for body in received]
    assert max(abs(value) for chunk in samples for value in chunk) < 50, "this is a pause, and it is streamed"
    assert max(after["ts"] - before["ts"] for before, after in pairwise(received)) < 0.5


def test_plays_the_wav_files_of_a_folder(make_robot, join, tmp_path):
    loud = struct.pack("<h", 12_345) * 6_400
    (tmp_path / "a.wav").write_bytes(AudioClip(loud, 16_000).to_wav())
    robot = make_robot(sounds=tmp_path, pause_s=0.1)
    assert "1 WAV file" in robot.sounds.origin
    bus = join(robot)
    chunk = base64.b64encode(loud[:640]).decode()
    assert bus.receive("voice.asr.request", lambda body: body["chunk_pcm"] == chunk)["len"] == 640
    bus.receive("voice.asr.request", lambda body: body["chunk_pcm"] != chunk)


def test_speaks_where_there_is_a_voice(make_robot, join):
    spoken = []

    def speak(text: str, language: str) -> AudioClip:
        spoken.append((text, language))
        # Two channels at another rate: it must arrive as 16 kHz mono.
        return AudioClip(struct.pack("<2h", 1000, 3000) * 22_050, 22_050, 2)

    robot = make_robot(speak=speak, pause_s=0.0)
    assert {language for _, language in spoken} == {"en", "pl"}
    assert all(len(sound) == 32_000 for sound in robot.sounds.sounds)
    middle = base64.b64encode(struct.pack("<h", 2000) * 320).decode()
    assert join(robot).receive("voice.asr.request", lambda body: body["chunk_pcm"] == middle)


def test_tones_are_described_as_no_speech():
    assert "no speech" in SimulatedRobot(RobotConfig()).sounds.origin


def test_a_clip_is_played_to_the_microphone(make_robot, join):
    robot = make_robot(pause_s=60)
    bus = join(robot)
    wait_until(lambda: robot.voice_path == "pc")
    robot.play_to_microphone(AudioClip(struct.pack("<h", 7_000) * 640, 16_000))
    chunk = base64.b64encode(struct.pack("<h", 7_000) * 320).decode()
    bus.receive("voice.asr.request", lambda body: body["chunk_pcm"] == chunk)


def test_frames_change_and_those_of_a_frozen_camera_differ_in_their_bytes_only(make_robot, join, api):
    robot = make_robot()
    bus = join(robot)
    first = bus.receive("vision.frame.offload")
    assert set(first) == {"ts", "frame_jpeg", "size"}
    assert first["size"] == {"w": 320, "h": 240}
    assert base64.b64decode(first["frame_jpeg"]).startswith(b"\xff\xd8\xff")
    bus.receive("vision.frame.offload", lambda body: body["frame_jpeg"] != first["frame_jpeg"])
    robot.freeze_camera()
    bus.receive("vision.frame.offload")
    frozen = [bus.receive("vision.frame.offload") for _ in range(6)]
    assert len({frame["frame_jpeg"] for frame in frozen}) == 6
    assert all(after["ts"] > before["ts"] for before, after in pairwise(frozen))
    shown = [grey(base64.b64decode(frame["frame_jpeg"])) for frame in frozen]
    assert max(abs(after - before).mean() for before, after in pairwise(shown)) < 0.5
    last = grey(api(robot).get("/camera/last").content)
    assert abs(last - shown[-1]).mean() < 0.5


def test_a_frozen_picture_has_many_encodings_and_then_two_for_ever():
    picture = SimulatedRobot(RobotConfig())._camera.picture.jpeg
    frames = list(islice(encodings(picture), DISTINCT + 6))
    assert len(set(frames)) == DISTINCT
    assert set(frames[DISTINCT:]) == set(frames[DISTINCT - 2 : DISTINCT])
    assert frames[-1] != frames[-2]
    assert max(abs(grey(frame) - grey(picture)).max() for frame in frames) <= 4
    problems = []
    camera = CameraLiveness()
    for number, frame in enumerate(frames):
        camera.update(frame, number * FRAME_S, stream=0)
        problems.append(camera.problem(number * FRAME_S))
    assert problems[-1] is not None, "it is detected as frozen"


def test_pictures_of_a_folder(make_robot, join, tmp_path):
    own = SimulatedRobot(RobotConfig())._camera.picture
    (tmp_path / "one.jpg").write_bytes(own.jpeg)
    frame = join(make_robot(pictures=tmp_path)).receive("vision.frame.offload")
    assert base64.b64decode(frame["frame_jpeg"]) == own.jpeg
    assert frame["size"] == {"w": own.width, "h": own.height}


@pytest.mark.parametrize(("name", "content"), [("x.jpg", b"GIF89a"), ("x.jpg", b"\xff\xd8\xff"), ("x.txt", b"")])
def test_refuses_a_folder_without_pictures(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=r"JPEG|jpg"):
        SimulatedRobot(RobotConfig(pictures=tmp_path))


@pytest.mark.parametrize(("name", "content"), [("x.wav", b"RIFF"), ("x.txt", b"")])
def test_refuses_a_folder_without_sounds(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=r"WAV|wav"):
        SimulatedRobot(RobotConfig(sounds=tmp_path))


def test_sends_neither_sound_nor_frames_while_local(make_robot, join):
    robot = make_robot(pc_domains=())
    topics = {message[1] for message in join(robot).record(1.0)}
    assert "imu.data" in topics
    assert not topics & {"voice.asr.request", "vision.frame.offload"}


def test_camera_heartbeat_has_three_shapes(make_robot, join):
    bus = join(make_robot())
    shapes = [bus.receive("camera.heartbeat") for _ in range(3)]
    assert len({frozenset(shape) for shape in shapes}) == 3
    assert sum("ts" not in shape for shape in shapes) == 1


def test_older_motion_state_and_a_skewed_clock(make_robot, join):
    bus = join(make_robot(old_motion_state=True, clock_skew_s=3_600))
    state = bus.receive("motion.state")
    assert {"enabled", "estop", "stopped", "target", "output", "ts"} == set(state)
    assert bus.receive("imu.data")["ts"] == pytest.approx(state["ts"], abs=10)
    assert state["ts"] - SimulatedRobot(RobotConfig())._clock() == pytest.approx(3_600, abs=10)


@pytest.mark.parametrize(("make_up", "turns"), [(50, 50), (1, 1), (200, 101)])
def test_a_stall_is_made_up_for_as_far_as_it_may(make_up, turns):
    done = []
    periodic = Periodic(0.01, lambda: done.append(None), make_up=make_up)
    periodic.run(0.0)
    done.clear()
    assert periodic.run(1.011) > 1.011
    assert len(done) == turns
