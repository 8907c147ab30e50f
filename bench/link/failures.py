"""Until the robot knows: what is lost, cut, frozen, asleep."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from rig import Rig, seconds_until

TIMES = 3
ASLEEP_S = 25.0
LIMIT_S = 60.0


def service_loss(rig: Rig) -> dict[str, float]:
    """Workers killed (their supervisor starts them again), workers that do not answer, and Redis, both ways."""
    kinds: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "workers killed": lambda: _done(rig.signal(signal.SIGKILL, "rider_core.cli.main worker")),
        "Redis hangs": lambda: rig.stopped("valkey-server"),
        "Redis killed": lambda: _done(rig.signal(signal.SIGKILL, "valkey-server")),
    }
    found: dict[str, float] = {}
    for name, happens in kinds.items():
        for _ in range(TIMES):
            rig.make_ready()
            with happens():
                took_s = seconds_until(lambda: rig.local("voice", "vision"), LIMIT_S, f"{name}: voice and vision local")
            found[name] = max(found.get(name, 0.0), round(took_s, 2))
    return {"service_loss_to_local_s": max(found.values()), **found}


def one_way(rig: Rig) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, tunnel in (("to the robot", rig.to_robot), ("from the robot", rig.from_robot)):
        for _ in range(TIMES):
            rig.make_ready()
            tunnel.cut()
            took_s = seconds_until(lambda: rig.local("voice", "vision"), LIMIT_S, f"{name}: voice and vision local")
            tunnel.mend()
            found[name] = max(found.get(name, 0.0), round(took_s, 2))
    return {"one_way_to_local_s": max(found.values()), **found}


def frozen(rig: Rig) -> dict[str, float]:
    worst = 0.0
    for _ in range(TIMES):
        rig.make_ready()
        rig.robot.freeze_camera()
        worst = max(worst, seconds_until(rig.is_blind, LIMIT_S, "a frozen camera is known"))
        rig.robot.freeze_camera(False)
    return {"frozen_to_blocked_s": round(worst, 2)}


def sleep(rig: Rig) -> dict[str, float]:
    """The robot gives the PC up meanwhile; its voice service is restarted when voice is the PC's again."""
    with rig.stopped():
        time.sleep(ASLEEP_S)
        gone = rig.local()
    took_s = seconds_until(rig.serves, 120.0, "all domains served again")
    return {"back_after_sleep_s": round(took_s, 2), "all local while it slept": float(gone)}


def _done(_: None) -> AbstractContextManager[None]:
    return nullcontext()
