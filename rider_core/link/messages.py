"""The robot's messages that the link reads. Unknown keys are ignored: robots differ, and newer ones send more."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from rider_core.api.messages import Message

#: The largest chunk: half a second. The robot sends 20 ms, which have 640 bytes.
MAX_CHUNK_BYTES = 16_000
#: The rate of the robot's microphone, and of the voice activity model, in Hz.
SAMPLE_RATE = 16_000
#: The largest picture. Its base64 fits into the largest body (`framing.MAX_FRAME_BODY_BYTES`).
MAX_JPEG_BYTES = 3_000_000
#: Limits of what a robot may tell about itself: metres, radians or degrees (which may add up over turns), and shares of
#: full speed. Beyond them is no robot of this size.
MAX_M, MAX_ANGLE, MAX_SPEED = 100_000.0, 1_000_000.0, 1_000.0


def _shown(text: object, limit: int) -> object:
    """A text for people: cut to the limit, and without control characters."""
    if not isinstance(text, str):
        return text
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:limit])


ShortText = Annotated[str, BeforeValidator(lambda text: _shown(text, 64))]
Reason = Annotated[str, BeforeValidator(lambda text: _shown(text, 200))]


class RobotMessage(Message):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    ts: float | None = Field(None, description="the robot's clock, seconds since the epoch")


class AudioChunkIn(RobotMessage):
    """`voice.asr.request`: the next 20 ms of the microphone."""

    rate: Literal[16_000] = Field(16_000, description="samples a second; the robot's documents leave it out")
    lang: str | None = Field(None, max_length=64, description="language tag; an invalid one is ignored")
    chunk_pcm: str = Field(
        min_length=1, max_length=MAX_CHUNK_BYTES * 4 // 3 + 4, description="signed 16-bit mono samples in base64"
    )


class FrameSize(RobotMessage):
    w: int = Field(ge=1, le=65_535, description="width in pixels")
    h: int = Field(ge=1, le=65_535, description="height in pixels")


class FrameIn(RobotMessage):
    """`vision.frame.offload`: the newest picture of the camera."""

    ts: float = Field(description="the robot's clock, seconds since the epoch; a frame has no other identity")
    frame_jpeg: str = Field(min_length=1, max_length=MAX_JPEG_BYTES * 4 // 3 + 4, description="JPEG in base64")
    size: FrameSize | None = Field(None, description="as the robot says; the JPEG's own size is used")


class SpeakRequest(RobotMessage):
    """`voice.tts.request`: text to be spoken."""

    text: str = Field(min_length=1, description="what to say")
    voice: str | None = Field(None, description="a voice or a language; None: ours")


class DomainState(RobotMessage):
    """`provider.*.state`: the owner of a domain; sent on a change only."""

    domain: str = Field(max_length=32, description="voice, vision or text")
    mode: Literal["local", "pc"] = Field(description="the side that serves it")
    status: ShortText = Field("", description="the robot's name of the state")
    reason: Reason | None = Field(None, description="why it changed")


class NavigatorState(RobotMessage):
    """`navigator.state`: what the program that drives the robot believes; sent on a change and every 5 s."""

    active: bool = Field(False, description="whether it drives, or would if nothing were in the way")
    obstacle_present: bool = Field(False, description="whether it believes that something is in the way")


class Device(RobotMessage):
    """`devices.xgo`: the state of the robot's body; several times a second."""

    battery_pct: float | None = Field(None, ge=0, le=100, description="charge in percent")
    fw: ShortText | None = Field(None, description="its firmware")


class PoseReport(RobotMessage):
    """`robot.pose`: five times a second."""

    x: float = Field(ge=-MAX_M, le=MAX_M, description="metres ahead of its start")
    y: float = Field(ge=-MAX_M, le=MAX_M, description="metres to the left of its start")
    theta: float = Field(ge=-MAX_ANGLE, le=MAX_ANGLE, description="direction in radians; positive: to the left")


class MotionCommand(RobotMessage):
    """What the motors are told."""

    lx: float | None = Field(None, ge=-MAX_SPEED, le=MAX_SPEED, description="forward, share of full speed")
    az: float | None = Field(None, ge=-MAX_SPEED, le=MAX_SPEED, description="turn; positive: to the left")


class MotionState(RobotMessage):
    """`motion.state`: `cmd` and `moving`, or `stopped`, `estop` and `output` of the robot's older programs."""

    cmd: MotionCommand | None = None
    moving: bool | None = None
    stopped: bool | None = None
    estop: bool | None = None
    output: MotionCommand | None = None


class Attitude(RobotMessage):
    """`imu.data`: ten times a second; degrees, null where the sensor does not know."""

    roll: float | None = Field(None, ge=-MAX_ANGLE, le=MAX_ANGLE)
    pitch: float | None = Field(None, ge=-MAX_ANGLE, le=MAX_ANGLE)
    yaw: float | None = Field(None, ge=-MAX_ANGLE, le=MAX_ANGLE)
