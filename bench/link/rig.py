"""`rider up` as its users start it, with its link led through cuttable tunnels to a simulated robot in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rider_core.simulator import RobotConfig, SimulatedRobot
from rider_core.testing.ports import free_port
from rider_core.testing.tunnel import Tunnel

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT.parent / "shared" / "models"
OBSTACLE, RESULT = "vision.obstacle.enhanced", "voice.asr.result"
DOMAINS = ("voice", "vision", "text")
#: Fetching and loading models.
READY_S = 300.0


class NotReached(Exception):
    """Something that was waited for did not happen."""


def seconds_until(condition: Callable[[], object], limit_s: float, what: str) -> float:
    """How long it took until `condition()` was true, to 5 ms.

    Raises:
        NotReached: longer than `limit_s`.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit_s:
            raise NotReached(f"{what}: not within {limit_s:g} s")
        time.sleep(0.005)
    return time.monotonic() - began


class Rig:
    """The product and the robot. What is asked of it is what a person can see from the robot's side."""

    def __init__(
        self,
        folder: Path,
        robot: SimulatedRobot,
        up: subprocess.Popen[bytes],
        tunnels: tuple[Tunnel, Tunnel],
        link_port: int,
    ) -> None:
        """
        Args:
            up: The process that became the supervisor.
            tunnels: What we say to the robot, and what it says to us.
            link_port: Where the robot asks us.
        """
        self.folder, self.robot, self.up, self.link_port = folder, robot, up, link_port
        self.to_robot, self.from_robot = tunnels

    def mode(self, domain: str) -> str:
        return str(self.robot.domains[domain]["mode"])

    def local(self, *domains: str) -> bool:
        return all(self.mode(domain) == "local" for domain in domains or DOMAINS)

    def last_word(self) -> dict[str, Any]:
        words = self.robot.received.all(OBSTACLE)
        return (words[-1].body or {}) if words else {}

    def is_blind(self) -> bool:
        return "blind" in self.last_word().get("meta", {})

    def serves(self) -> bool:
        """All domains are at the PC, the camera's last word comes from a look, and voice is kept or heard."""
        now = time.monotonic()
        words = [it for it in self.robot.received.all(OBSTACLE)[-1:] if now - it.at < 1.0]
        texts = [it for it in self.robot.received.all(RESULT)[-1:] if now - it.at < 2.5]
        if self.mode("voice") == "pc" and self.robot.voice_path != "pc":
            self.robot.restart_voice()  # what the robot's owner does, or its service manager
        at_pc = all(self.mode(domain) == "pc" for domain in DOMAINS)
        return at_pc and bool(words) and not self.is_blind() and bool(texts) and self.robot.voice_path == "pc"

    def make_ready(self) -> None:
        """All domains back at the PC, without waiting for the hysteresis."""
        for domain in DOMAINS:
            if self.mode(domain) != "pc":
                self.robot.switch(domain, "pc", "bench")
        seconds_until(self.serves, READY_S, "all domains served")

    def processes(self, *words: str) -> list[int]:
        """Ids of the processes of `rider up` whose command line has all of these words; itself included."""
        children: dict[int, list[int]] = {}
        commands: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError, IndexError):
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    children.setdefault(parent, []).append(int(entry.name))
                    commands[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        found, todo = [], [self.up.pid]
        while todo:
            process = todo.pop()
            todo += children.get(process, [])
            if all(word in commands.get(process, "") for word in words):
                found.append(process)
        return found

    def signal(self, number: signal.Signals, *words: str) -> None:
        for process in self.processes(*words):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    @contextmanager
    def stopped(self, *words: str) -> Iterator[None]:
        """They stand still."""
        self.signal(signal.SIGSTOP, *words)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT, *words)

    def memory_mb(self) -> float:
        """Of the link, resident."""
        (link,) = self.processes("rider_core.cli.main link")
        return int(Path(f"/proc/{link}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024

    def cpu_s(self) -> float:
        """Of the link, since its start."""
        (link,) = self.processes("rider_core.cli.main link")
        fields = Path(f"/proc/{link}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """All of it, started and serving; ended with the block."""
    config = RobotConfig(publish_port=0, subscribe_port=0, api_port=0, pc_domains=DOMAINS)
    with SimulatedRobot(config) as robot:
        robot.mute()
        to_robot, from_robot = Tunnel(robot.publish_port), Tunnel(robot.subscribe_port)
        link_port = free_port()
        environment = {
            **os.environ,
            "RIDER_DATA_DIR": str(folder / "data"),
            "RIDER_PI_HOST": "127.0.0.1",
            "RIDER_PI_PUBLISH_PORT": str(to_robot.port),
            "RIDER_PI_SUBSCRIBE_PORT": str(from_robot.port),
            "RIDER_PI_API_PORT": str(robot.api_port),
            "RIDER_LINK_PORT": str(link_port),
            "RIDER_WEB_PORT": str(free_port()),
            "RIDER_LANGUAGE": "en",
        }
        environment.pop("REDIS_URL", None)
        if MODELS.is_dir():
            environment.setdefault("RIDER_MODEL_PATH", str(MODELS))
        with (folder / "up.log").open("wb") as log:
            command = [sys.executable, "-m", "rider_core.cli.main", "up"]
            up = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        ours = Rig(folder, robot, up, (to_robot, from_robot), link_port)
        try:
            ours.make_ready()
            yield ours
        finally:
            ours.signal(signal.SIGCONT)
            up.terminate()
            try:
                up.wait(60)
            except subprocess.TimeoutExpired:
                ours.signal(signal.SIGKILL)
            to_robot.close()
            from_robot.close()
