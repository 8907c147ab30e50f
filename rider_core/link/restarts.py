"""What must be started again at the robot, because no message of ours can do it."""

from __future__ import annotations

import time

from rider_core.api.steering import Restart
from rider_core.link.domain import DomainOwner

#: The robot's microphone streams without pause to a PC; only a sound that plays holds it up, for 6 s at most
#: (`keepalive.HEARD_S`). Its service manager starts a voice service that has ended after 3 s.
SILENT_S = 10.0
VOICE_COMMAND = "sudo systemctl restart rider-voice"
#: The simulated robot has no service manager; its HTTP interface does it (`simulator/http_api.py`).
SIMULATED_VOICE_PATH = "/api/simulator/restart-voice"


def voice_command(robot_api_url: str, simulated: bool) -> str:
    """What starts the robot's voice service again: typed on the robot, or here where it is simulated."""
    return f"curl -X POST {robot_api_url}{SIMULATED_VOICE_PATH}" if simulated else VOICE_COMMAND


def needed_restarts(
    voice: DomainOwner, last_chunk: float, bus_since: float | None, command: str
) -> tuple[Restart, ...]:
    """
    Args:
        last_chunk: When the robot's microphone was last heard; monotonic, 0 where it never was.
        bus_since: Since when the robot's bus is up (monotonic); None: it is down, so nothing can be heard.
        command: What starts its voice service again.
    """
    if voice.mode != "pc" or bus_since is None:
        return ()
    silent_s = time.monotonic() - max(voice.since, last_chunk, bus_since)
    if silent_s < SILENT_S:
        return ()
    return (
        Restart(
            what="restart the robot's voice service",
            why=f"voice is at the PC, and the robot's microphone was not heard for {SILENT_S:.0f} s:"
            " its voice service chooses where it sends sound when it starts",
            command=command,
        ),
    )
