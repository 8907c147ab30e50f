"""Which of the robot's services must be restarted by a person, because no message of the link can do it."""

from __future__ import annotations

import time

from rider_core.api.steering import Restart
from rider_core.link.domain import DomainOwner

#: The voice service needs a restart after this time without a chunk of sound, in seconds. The microphone streams to the
#: PC without pause; only playback delays it, for 6 s at most (`keepalive.AUDIO_LIMIT_S`), and the robot's service
#: manager restarts an ended voice service after 3 s.
SILENT_S = 10.0
VOICE_COMMAND = "sudo systemctl restart rider-voice"
#: The simulated robot has no service manager; its HTTP interface restarts the service (`simulator/http_api.py`).
SIMULATED_VOICE_PATH = "/api/simulator/restart-voice"


def voice_command(robot_api_url: str, simulated: bool) -> str:
    """The command that restarts the robot's voice service: for the robot's shell, or for ours where it is simulated."""
    return f"curl -X POST {robot_api_url}{SIMULATED_VOICE_PATH}" if simulated else VOICE_COMMAND


def needed_restarts(
    voice: DomainOwner, last_chunk: float, bus_since: float | None, command: str
) -> tuple[Restart, ...]:
    """
    Args:
        last_chunk: When the microphone's last chunk came (monotonic); 0: none has come.
        bus_since: Since when the robot's bus is up (monotonic); None: it is down, so no chunk can come.
        command: What restarts the voice service.
    """
    if voice.mode != "pc" or bus_since is None:
        return ()
    silent_s = time.monotonic() - max(voice.since, last_chunk, bus_since)
    if silent_s < SILENT_S:
        return ()
    return (
        Restart(
            what="restart the robot's voice service",
            why=f"voice is at the PC, and no sound has come from the robot's microphone for {SILENT_S:.0f} s:"
            " its voice service chooses where it sends sound when it starts",
            command=command,
        ),
    )
