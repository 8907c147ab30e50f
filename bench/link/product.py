"""`rider up` as its users start it; both directions of the robot's bus lead through tunnels that can be cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from rider_core.testing.ports import free_port
from rider_core.testing.tunnel import Tunnel

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT.parent / "shared" / "models"
WORKER, LINK, REDIS = "rider_core.cli.main worker", "rider_core.cli.main link", "valkey-server"


class Product:
    """
    Attributes:
        to_robot, from_robot: The two directions of the robot's bus.
        link_port: The port of the HTTP server for the robot.
        web_port: The panel's port.
    """

    def __init__(self, folder: Path, publish_port: int, subscribe_port: int, api_port: int) -> None:
        self.folder = folder
        self.to_robot, self.from_robot = Tunnel(publish_port), Tunnel(subscribe_port)
        self.link_port, self.web_port = free_port(), free_port()
        environment = {
            **os.environ,
            "RIDER_DATA_DIR": str(folder / "data"),
            "RIDER_PI_HOST": "127.0.0.1",
            "RIDER_PI_PUBLISH_PORT": str(self.to_robot.port),
            "RIDER_PI_SUBSCRIBE_PORT": str(self.from_robot.port),
            "RIDER_PI_API_PORT": str(api_port),
            "RIDER_LINK_PORT": str(self.link_port),
            "RIDER_WEB_PORT": str(self.web_port),
            "RIDER_LANGUAGE": "en",
        }
        environment.pop("REDIS_URL", None)
        if MODELS.is_dir():
            environment.setdefault("RIDER_MODEL_PATH", str(MODELS))
        with (folder / "up.log").open("wb") as log:
            command = [sys.executable, "-m", "rider_core.cli.main", "up"]
            self._supervisor = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def log(self) -> str:
        return (self.folder / "up.log").read_text(errors="replace")

    def can_serve(self) -> bool:
        """Whether all domains are available, by the answer to the robot's probe."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.link_port}/providers/capabilities", timeout=2, trust_env=False)
            return all(domain["available"] for domain in answer.json()["domains"].values())
        except (httpx.HTTPError, ValueError, KeyError):
            return False

    @property
    def redis_url(self) -> str:
        return f"unix://{self.folder / 'data' / 'redis' / 'valkey.sock'}"

    def end(self) -> None:
        self.signal(signal.SIGCONT)
        self._supervisor.terminate()
        try:
            self._supervisor.wait(60)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
        self.to_robot.close()
        self.from_robot.close()

    def processes(self, words: str = "") -> list[int]:
        """Ids of its processes whose command line holds `words`; the supervisor is one of them."""
        children: dict[int, list[int]] = {}
        commands: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError, IndexError):
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    children.setdefault(parent, []).append(int(entry.name))
                    commands[int(entry.name)] = (entry / "cmdline").read_text(errors="replace").replace("\0", " ")
        found, todo = [], [self._supervisor.pid]
        while todo:
            process = todo.pop()
            todo += children.get(process, [])
            if words in commands.get(process, ""):
                found.append(process)
        return found

    def signal(self, number: signal.Signals, words: str = "") -> None:
        for process in self.processes(words):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    @contextmanager
    def stopped(self, words: str = "") -> Iterator[None]:
        """Suspend these processes, or all, during the block."""
        self.signal(signal.SIGSTOP, words)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT, words)

    def link_memory_mb(self) -> float:
        """Resident memory of the link, in MB."""
        (link,) = self.processes(LINK)
        return int(Path(f"/proc/{link}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024

    def link_cpu_s(self) -> float:
        """Processor time of the link since its start, in seconds."""
        (link,) = self.processes(LINK)
        fields = Path(f"/proc/{link}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
