"""`POST /api/control`: reads a command, and makes its message on the bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: The web program turns at its own speed; `v` counts for driving only.
TURN_SPEED = 0.18

#: Direction to the signs of vx and yaw. Left is positive here and negative in the motion bridge, as on the robot.
DIRECTIONS = {"forward": (1, 0), "backward": (-1, 0), "left": (0, 1), "right": (0, -1)}


class CommandRefused(ValueError):
    """The command is invalid. Answered with 400 and the message."""


@dataclass(frozen=True)
class Command:
    """One movement or a stop.

    Attributes:
        name: move or stop.
        body: Of the message on the bus, without its time stamp.
        echo: The values that the answer repeats.
    """

    name: str
    body: dict[str, float]
    echo: dict[str, Any]

    @property
    def topic(self) -> str:
        return f"cmd.{self.name}"


def read_command(body: dict[str, Any], max_t: float) -> Command:
    """The command in a request's body.

    Args:
        max_t: The longest movement, in seconds.

    Raises:
        CommandRefused: the body is no command, or a value is outside its limits.
    """
    name = str(body.get("cmd") or body.get("action") or ("move" if "dir" in body else "")).lower().strip()
    if name not in ("move", "stop"):
        raise CommandRefused("cmd must be 'move' or 'stop'")
    if name == "stop":
        return Command("stop", {}, {})
    direction = body.get("dir", body.get("direction"))
    if direction is None:
        raise CommandRefused("missing 'dir' for move")
    if not isinstance(direction, str) or direction not in DIRECTIONS:
        raise CommandRefused("dir must be one of: forward, backward, left, right")
    v, t = _number(body, "v"), _number(body, "t")
    if not 0.0 <= v <= 1.0:
        raise CommandRefused("v must be in range [0.0, 1.0]")
    if not 0.0 < t <= max_t:
        raise CommandRefused(f"t must be in range (0.0, {max_t}]")
    if body.get("stop") is True:
        return Command("stop", {}, {})
    forward, turn = DIRECTIONS[direction]
    move = {"vx": forward * v, "vy": 0.0, "yaw": turn * TURN_SPEED, "duration": t}
    return Command("move", move, {"dir": direction, "v": v, "w": TURN_SPEED, "t": t})


def _number(body: dict[str, Any], key: str) -> float:
    try:
        return float(body.get(key, 0.0))
    except (TypeError, ValueError, OverflowError):
        raise CommandRefused(f"{key} must be a number") from None
