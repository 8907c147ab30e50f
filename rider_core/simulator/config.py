"""The settings of a simulated robot. The defaults are those of the real robot's code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rider_core.api import AudioClip
from rider_core.errors import ConfigError

#: The domains that the robot can delegate to the PC, in the order of its own table.
DOMAINS = ("vision", "voice", "text")

#: Speaks a text in a language (ISO 639-1).
Speak = Callable[[str, str], AudioClip]


@dataclass(frozen=True)
class RobotConfig:
    """Settings of a simulated robot.

    Attributes:
        host: The address that the broker and the HTTP interface listen on.
        publish_port: Messages come in here (XSUB); 0: a free port.
        subscribe_port: Messages go out here (XPUB); 0: a free port.
        api_port: The HTTP interface; 0: a free port.
        sounds: A folder of 16-bit WAV files that the microphone records one after another.
        speak: Makes the microphone's sounds where there is no folder. With neither they are tones.
        pause_s: Silence before each sound, in seconds.
        pictures: A folder of JPEG files that the camera shows; None: a drawn scene.
        pc_domains: The domains that are in mode `pc` from the start.
        voice_fallback_s: Voice falls back to local after this time without a text, in seconds; 0: never.
        voice_restart_s: Seconds until the voice process is started again after a failure (exit code 1 or 2); None:
            never. After exit code 0 it is not started again in any case, only by `SimulatedRobot.restart_voice()`.
        playback_gap_s: From the start of a player to its first sound, in seconds: 0.05 to 0.12 on the robot.
        ai_mode_race: The probability that a change of a domain or of the AI mode ends the voice process with exit code
            0. On the robot, that file is empty for a moment while it is written, and the voice process reads it 50
            times a second: 10 of 404 changes ended it, so the robot's value is 0.025. Off by default: tests must be
            repeatable.
        safe_max_duration_s: The longest movement that `/api/control` accepts (`SAFE_MAX_DURATION`), in seconds. 0.25 is
            in the robot's documents; its code has 0.5 where nothing is set.
        probe_interval_s: Time between two probes of our capabilities, in seconds.
        probe_timeout_s: Limit of a probe for connecting and each receive, in seconds.
        default_pc_url: The PC's address before the first heartbeat.
        clock_skew_s: How far the robot's clock is ahead of ours.
        old_motion_state: Send `motion.state` in its older shape, five times a second.
        received_messages, received_bytes: Limits of the log of received messages; the oldest are dropped first.
    """

    host: str = "127.0.0.1"
    publish_port: int = 5555
    subscribe_port: int = 5556
    api_port: int = 8080
    sounds: Path | None = None
    speak: Speak | None = None
    pause_s: float = 1.5
    pictures: Path | None = None
    pc_domains: tuple[str, ...] = ("voice", "vision")
    voice_fallback_s: float = 5.0
    voice_restart_s: float | None = 3.0
    playback_gap_s: float = 0.1
    ai_mode_race: float = 0.0
    safe_max_duration_s: float = 0.25
    probe_interval_s: float = 5.0
    probe_timeout_s: float = 2.0
    default_pc_url: str = "http://127.0.0.1:8000"
    clock_skew_s: float = 0.0
    old_motion_state: bool = False
    received_messages: int = 5_000
    received_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        for name in ("publish_port", "subscribe_port", "api_port"):
            if not 0 <= getattr(self, name) <= 65_535:
                raise ConfigError(f"{name} is {getattr(self, name)}", remedy="use 0 (any free port) to 65535")
        for name in ("pause_s", "voice_fallback_s", "playback_gap_s"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}", remedy="use a number of seconds, 0 or more")
        for name in ("probe_interval_s", "probe_timeout_s", "safe_max_duration_s"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}", remedy="use a number of seconds above 0")
        if not 0 <= self.ai_mode_race <= 1:
            raise ConfigError(f"ai_mode_race is {self.ai_mode_race}", remedy="use a probability, 0 to 1")
        for domain in self.pc_domains:
            if domain not in DOMAINS:
                raise ConfigError(f"the robot has no domain {domain!r}", remedy=f"use some of {', '.join(DOMAINS)}")
