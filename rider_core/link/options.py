"""The link's options. A type of its own, because settings are in the same layer and must not be imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class VisionOptions:
    """
    Attributes:
        fov_deg: The camera's horizontal angle of view, in degrees.
        reach_m: Objects in the way up to this distance are reported as obstacles, in metres.
        confirm_frames: Number of frames in which an object must be recognised before it is confirmed.
        follow: Send the robot the position of the person that it should turn to.
    """

    fov_deg: float = 62.2
    reach_m: float = 1.0
    confirm_frames: int = 2
    follow: bool = False


@dataclass(frozen=True)
class LinkOptions:
    """
    Attributes:
        publish_address: The port of the robot's broker for publishers, such as `tcp://10.0.0.7:5555`.
        subscribe_address: The port of the robot's broker for subscribers.
        robot_api_url: The robot's HTTP interface, such as `http://10.0.0.7:8080`.
        base_url: Our own HTTP address as the robot sees it.
        simulated: Whether the robot is the simulated one; shown with the link's state.
        language: The spoken language, in ISO 639-1; None: detected.
        prompt: Name of the system prompt of the robot's answers.
        barge_in: Whether speech interrupts the robot's answer.
        voice_keepalive: Whether invisible texts keep the robot's voice with the PC; see `keepalive`.
        chunk_s: Length of a chunk of speech, in seconds. The robot starts a player for each.
        all_together: Whether voice and text fail over with vision.
        preferences_file: The file that keeps people's preferences; None: they are kept in memory.
        vision: Options of the vision pipeline.
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
