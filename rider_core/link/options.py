"""What the link needs to know. Its own type, because settings are another part of the same layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class VisionOptions:
    """
    Attributes:
        fov_deg: The camera's horizontal angle of view, in degrees.
        reach_m: The robot is told to stop for what is nearer, in metres.
        confirm_frames: In so many frames must a thing be recognised before it counts.
        follow: Tell the robot where the person is that it should turn to.
    """

    fov_deg: float = 62.2
    reach_m: float = 1.0
    confirm_frames: int = 2
    follow: bool = False


@dataclass(frozen=True)
class LinkOptions:
    """
    Attributes:
        publish_address: The robot's broker takes our messages here, such as `tcp://10.0.0.7:5555`.
        subscribe_address: The robot's broker hands out messages here.
        robot_api_url: The robot's HTTP interface, such as `http://10.0.0.7:8080`.
        base_url: Our own HTTP address as the robot sees it.
        simulated: The robot is a simulated one; said wherever it shows.
        language: What people speak, in ISO 639-1; None: detected.
        prompt: Name of the system prompt that the robot's answers follow.
        barge_in: Who speaks while the robot answers makes it stop.
        voice_keepalive: Keep the robot's voice with us through silence and long sentences.
        piece_s: Length of a piece of speech, in seconds. The robot starts a player for each.
        all_together: Where vision is handed back, so are voice and text.
        preferences_file: Where it is kept what people want for each domain; None: nowhere.
        vision: About the camera.
    """

    publish_address: str
    subscribe_address: str
    robot_api_url: str
    base_url: str
    simulated: bool = False
    language: str | None = None
    prompt: str = "companion"
    barge_in: bool = True
    voice_keepalive: bool = True
    chunk_s: float = 1.5
    all_together: bool = False
    preferences_file: Path | None = None
    vision: VisionOptions = VisionOptions()
