"""What the robot tells about itself, as the link received it last. What it never told is None."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from rider_core.api.messages import Message


class _Told(Message):
    """Base of one message's content. Unknown keys are ignored: the link may be newer than its reader."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    ts: float = Field(description="when it arrived, by our clock, seconds since the epoch")


class PoseView(_Told):
    """`robot.pose`: where the robot believes to be, from its start on."""

    x_m: float = Field(description="metres ahead of its start")
    y_m: float = Field(description="metres to the left of its start")
    heading_deg: float = Field(description="degrees; positive: to the left")


class MotionView(_Told):
    """`motion.state`: what its motors are told."""

    moving: bool | None = None
    forward: float | None = Field(None, description="-1 (backward) to 1, share of full speed")
    turn: float | None = Field(None, description="-1 to 1; positive: to the left")
    emergency_stop: bool | None = Field(None, description="by its older programs only")


class BodyView(_Told):
    """`devices.xgo`: the state of its body."""

    battery_pct: float | None = None
    firmware: str = Field("", description="empty: not told")


class AttitudeView(_Told):
    """`imu.data`: how it is tilted, in degrees."""

    roll_deg: float | None = None
    pitch_deg: float | None = None
    yaw_deg: float | None = None


class LinkQuality(_Told):
    """How well the robot is reached."""

    bus_ms: float | None = Field(None, description="round trip of the last test message through the robot's broker")
    http_ms: float | None = Field(None, description="time of the robot's last answer over HTTP")
    messages_per_s: float = Field(description="from the robot, camera and microphone included")


class TelemetryView(Message):
    """All of it."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    pose: PoseView | None = None
    motion: MotionView | None = None
    body: BodyView | None = None
    attitude: AttitudeView | None = None
    link: LinkQuality | None = None
