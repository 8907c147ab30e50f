"""Faults, and the time until the robot is notified: lost services, a cut bus, a frozen camera, a suspended PC."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from harness import BenchHarness
from product import REDIS, WORKER
from robots import seconds_until

TIMES = 3
ASLEEP_S = 25.0
LIMIT_S = 60.0


def service_loss(harness: BenchHarness) -> dict[str, float]:
    """Workers killed (their supervisor starts them again), and Redis: killed, and hanging."""
    product = harness.product
    kinds: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "workers killed": lambda: nullcontext(product.signal(signal.SIGKILL, WORKER)),
        "Redis hangs": lambda: product.stopped(REDIS),
        "Redis killed": lambda: nullcontext(product.signal(signal.SIGKILL, REDIS)),
    }
    found: dict[str, float] = {}
    for name, cause in kinds.items():
        for _ in range(TIMES):
            harness.observer.make_ready()
            with cause():
                took_s = seconds_until(lambda: harness.observer.are_local("voice", "vision"), LIMIT_S, name)
            found[name] = max(found.get(name, 0.0), round(took_s, 2))
    return {"service_loss_to_local_s": max(found.values()), **found}


def one_way(harness: BenchHarness) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, tunnel in (("to the robot", harness.product.to_robot), ("from the robot", harness.product.from_robot)):
        for _ in range(TIMES):
            harness.observer.make_ready()
            tunnel.cut()
            took_s = seconds_until(lambda: harness.observer.are_local("voice", "vision"), LIMIT_S, f"{name} is cut")
            tunnel.mend()
            found[name] = max(found.get(name, 0.0), round(took_s, 2))
    return {"one_way_to_local_s": max(found.values()), **found}


def frozen(harness: BenchHarness) -> dict[str, float]:
    worst = 0.0
    for _ in range(TIMES):
        harness.observer.make_ready()
        harness.robot.freeze(True)
        worst = max(worst, seconds_until(harness.observer.is_vision_lost, LIMIT_S, "a frozen camera is known"))
        harness.robot.freeze(False)
    return {"frozen_to_blocked_s": round(worst, 2)}


def sleep(harness: BenchHarness) -> dict[str, float]:
    """The robot falls back to local meanwhile. Its voice service is restarted when voice is at the PC again."""
    with harness.product.stopped():
        time.sleep(ASLEEP_S)
    took_s = seconds_until(harness.observer.is_served, 120.0, "all domains served again")
    return {"back_after_sleep_s": round(took_s, 2)}
