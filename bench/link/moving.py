"""The PC's address changes: `bench/link/moving.py`. Time until the robot knows it, and until the PC serves again.

The simulated robot and the product each have a network namespace of their own, connected by a virtual cable; the
namespaces end with the bench. Needs root and `ip` (iproute2).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from product import MODELS
from robots import OBSTACLE, RESULT, NotReached, seconds_until

from rider_core.simulator import RobotConfig, SimulatedRobot

#: Without text, whose model may not be there.
DOMAINS = ("voice", "vision")
ROBOT, OLD, NEW = "10.77.0.1", "10.77.0.2", "10.77.0.3"
#: Required time from the change of the address until the robot knows the new one, in seconds.
MUST_S = 10.0
LIMIT_S = 120.0
POLL_EVERY_S = 0.05
#: Seconds without a result of ours, while voice is at the PC, after which the owner restarts the robot's voice.
OWNER_S = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--robot", action="store_true", help="run the robot, and print its state at each change")
    if parser.parse_args().robot:
        run_robot()
        return
    if os.geteuid() != 0:
        raise SystemExit("network namespaces need root: run this as root")
    with tempfile.TemporaryDirectory(prefix="m") as name, cable() as (robots, ours):
        measure(Path(name), robots, ours)


def run_robot() -> None:
    robot = SimulatedRobot(RobotConfig(host=ROBOT, pc_domains=DOMAINS))
    robot.start()
    robot.mute()
    before: dict[str, Any] = {}
    restarted = time.monotonic()
    while True:
        state = httpx.get(f"{robot.api_url}/api/providers/state", trust_env=False).json()
        known = {
            "url": state["pc_base_url"],
            "local": [name for name in DOMAINS if state["domains"][name]["mode"] != "pc"],
            "sees": is_recent(robot, OBSTACLE, 1.0),
            "hears": is_recent(robot, RESULT, 4.0),
        }
        # As its owner does when the panel shows the hint.
        if "voice" not in known["local"] and not known["hears"] and time.monotonic() - restarted > OWNER_S:
            restarted = time.monotonic()
            robot.restart_voice()
        if known != before:
            before = known
            print(json.dumps(known), flush=True)
        time.sleep(POLL_EVERY_S)


def is_recent(robot: SimulatedRobot, topic: str, limit_s: float) -> bool:
    """Whether the last message of a topic came within `limit_s` seconds, and does not report vision lost."""
    messages = robot.received.all(topic)
    if not messages or time.monotonic() - messages[-1].at > limit_s:
        return False
    return "blind" not in ((messages[-1].body or {}).get("meta") or {})


@contextmanager
def cable() -> Iterator[tuple[str, str]]:
    """Two network namespaces with a cable between them: the robot's, and the PC's. Yields their names."""
    robots, ours = f"rider-robot-{os.getpid()}", f"rider-pc-{os.getpid()}"
    try:
        for name in (robots, ours):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("link", "add", "cable", "netns", robots, "type", "veth", "peer", "name", "cable", "netns", ours)
        for name, address in ((robots, ROBOT), (ours, OLD)):
            ip("-n", name, "address", "add", f"{address}/24", "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
        yield robots, ours
    finally:
        for name in (robots, ours):
            with suppress(subprocess.CalledProcessError):
                ip("netns", "delete", name)


def ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True)


class PrintedState:
    """The state that the robot's process printed last."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._lines = process.stdout
        os.set_blocking(self._lines.fileno(), False)
        self.last: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        while line := self._lines.readline():
            self.last = json.loads(line)
        return self.last

    def is_served(self) -> bool:
        state = self.read()
        return bool(state) and not state["local"] and state["sees"] and state["hears"]


def measure(folder: Path, robots: str, ours: str) -> None:
    environment = {
        **os.environ,
        "RIDER_DATA_DIR": str(folder / "data"),
        "RIDER_PI_HOST": ROBOT,
        "RIDER_LANGUAGE": "en",
        **({"RIDER_MODEL_PATH": str(MODELS)} if MODELS.is_dir() else {}),
    }
    command = ("ip", "netns", "exec", robots, sys.executable, __file__, "--robot")
    robot = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with (folder / "up.log").open("wb") as log:
        command = ("ip", "netns", "exec", ours, sys.executable, "-m", "rider_core.cli.main", "up")
        product = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    state = PrintedState(robot)
    try:
        started_s = seconds_until(state.is_served, LIMIT_S, "all domains are served")
        began = time.monotonic()
        ip("-n", ours, "address", "delete", f"{OLD}/24", "dev", "cable")
        ip("-n", ours, "address", "add", f"{NEW}/24", "dev", "cable")
        seconds_until(lambda: NEW in state.read()["url"], LIMIT_S, "the robot knows the new address")
        told_s = time.monotonic() - began
        lost: set[str] = set()

        def is_back() -> bool:
            lost.update(state.read()["local"])
            return state.is_served()

        seconds_until(is_back, LIMIT_S, "all domains are served at the new address")
        back_s = time.monotonic() - began
    except NotReached as error:
        sys.exit(f"{error}\n{state.last}\n{(folder / 'up.log').read_text(errors='replace')[-3_000:]}")
    finally:
        for process in (product, robot):
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    print(f"served after the start in {started_s:.1f} s; the address {OLD} becomes {NEW}:")
    print(f"the robot knows it after {told_s:.1f} s (must: {MUST_S:g}), all is served again after {back_s:.1f} s")
    print(json.dumps({"told_s": round(told_s, 2), "back_s": round(back_s, 2), "domains_lost": sorted(lost)}))


if __name__ == "__main__":
    main()
