"""The robot's messages that we act on. Unknown keys are let pass: robots differ, and newer ones say more."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from rider_core.api.messages import Message

#: One chunk: 20 ms have 640 bytes; half a second is as much as a robot can sensibly send at once.
MAX_CHUNK_BYTES = 16_000
#: The rate of the robot's microphone, and of the voice activity model, in Hz.
SAMPLE_RATE = 16_000
#: One picture; its base64 fits into the largest body that is taken (`framing.MAX_FRAME_BODY_BYTES`).
MAX_JPEG_BYTES = 3_000_000


def _shown(text: object, limit: int) -> object:
    """A text for people: cut, and without characters that a terminal would obey."""
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
    lang: str | None = Field(None, max_length=64, description="what is spoken, as a tag; what is none is not believed")
    chunk_pcm: str = Field(
        min_length=1, max_length=MAX_CHUNK_BYTES * 4 // 3 + 4, description="signed 16-bit mono samples in base64"
    )


class FrameSize(RobotMessage):
    w: int = Field(ge=1, le=65_535, description="width in pixels")
    h: int = Field(ge=1, le=65_535, description="height in pixels")


class FrameIn(RobotMessage):
    """`vision.frame.offload`: the newest picture of the camera."""

    ts: float = Field(description="the robot's clock, seconds since the epoch: the only mark that a frame has")
    frame_jpeg: str = Field(min_length=1, max_length=MAX_JPEG_BYTES * 4 // 3 + 4, description="JPEG in base64")
    size: FrameSize | None = Field(None, description="what the robot says of it; the picture itself is believed")


class SpeakRequest(RobotMessage):
    """`voice.tts.request`: text to be spoken."""

    text: str = Field(min_length=1, description="what to say")
    voice: str | None = Field(None, description="a voice or a language; None: ours")


class DomainState(RobotMessage):
    """`provider.*.state`: who serves a domain now; said on change only."""

    domain: str = Field(max_length=32, description="voice, vision or text")
    mode: Literal["local", "pc"] = Field(description="who serves it")
    status: ShortText = Field("", description="the robot's word for how it goes")
    reason: Reason | None = Field(None, description="why it changed")


class NavigatorState(RobotMessage):
    """`navigator.state`: what the program believes that drives the robot; on change and every 5 s."""

    active: bool = Field(False, description="it drives, or would")
    obstacle_present: bool = Field(False, description="something is in the way, as far as it knows")


class Device(RobotMessage):
    """`devices.xgo`: what the robot's body says of itself, some times a second."""

    battery_pct: float | None = Field(None, ge=0, le=100, description="charge in percent")
