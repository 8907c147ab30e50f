"""`rider up` in a folder of its own, and what it takes from the machine."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from rider_core.testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT.parent / "shared" / "models"
#: Longest wait until everything is up, in seconds: models may have to be fetched.
START_S = 300.0
#: Mocks are used where a person names them.
MOCKS = {
    "speech_to_text": "echo-stt",
    "text_to_speech": "echo-tts",
    "object_detection": "echo-detector",
    "text_generation": "echo-text",
}
_PORTS = ("WEB_PORT", "LINK_PORT", "PI_PUBLISH_PORT", "PI_SUBSCRIBE_PORT", "PI_API_PORT")


class Usage(NamedTuple):
    """
    Attributes:
        cpu_pct: Share of one core.
        pss_mb: Proportional set size: pages that several processes have are divided among them.
    """

    cpu_pct: float
    pss_mb: float


class Stack:
    """One `rider up`.

    Attributes:
        url: Of the panel.
    """

    def __init__(self, folder: Path, mocks: bool, **environment: str) -> None:
        """
        Args:
            mocks: Only mock engines; else all that are installed, with their default settings.
        """
        ports = {f"RIDER_{name}": str(free_port()) for name in _PORTS}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RIDER_", "REDIS_"))}
        # As at a user's: a process that compiles what it imports keeps a quarter more memory.
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environment = {**inherited, "RIDER_DATA_DIR": str(folder / "data"), **ports, **environment}
        if MODELS.is_dir():
            self.environment.setdefault("RIDER_MODEL_PATH", str(MODELS))
        if mocks:
            names = [point.name for point in entry_points(group="rider_core.plugins")]
            self.environment["RIDER_PLUGINS_DISABLED"] = ",".join(
                name for name in names if name not in ("echo", "vision-tracking")
            )
            self.environment["RIDER_PROVIDERS"] = json.dumps(MOCKS)
        self.url = f"http://127.0.0.1:{ports['RIDER_WEB_PORT']}"
        self._log = folder / "up.log"
        with self._log.open("wb") as log:
            command = [sys.executable, "-m", "rider_core.cli.main", "up"]
            self._process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        self._wait_until_up()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _wait_until_up(self) -> None:
        end = time.monotonic() + START_S
        while "Rider-PC is up" not in self.log():
            if self._process.poll() is not None or time.monotonic() > end:
                sys.exit(f"the stack did not come up:\n{self.log()[-3000:]}")
            time.sleep(0.5)

    def wait_until_ready(self) -> None:
        """Until a worker serves each domain that has an engine."""
        end = time.monotonic() + START_S
        while httpx.get(f"{self.url}/health/ready", timeout=10).status_code != 200:
            if time.monotonic() > end:
                sys.exit(f"not ready: {httpx.get(f'{self.url}/health/ready', timeout=10).text}")
            time.sleep(0.5)

    def processes(self, robot: bool = False) -> list[psutil.Process]:
        """The processes of the product, or the simulated robot's."""
        root = psutil.Process(self._process.pid)
        found = []
        for it in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):  # `rider announce` ends by itself
                if ("main simulate" in " ".join(it.cmdline())) is robot:
                    found.append(it)
        return found

    def usage(self, seconds: float, robot: bool = False) -> Usage:
        """What the product takes in this time; or the simulated robot."""
        chosen = self.processes(robot)
        before = sum(_cpu_s(it) for it in chosen)
        started = time.monotonic()
        time.sleep(seconds)
        used = sum(_cpu_s(it) for it in chosen) - before
        return Usage(100 * used / (time.monotonic() - started), sum(_pss_mb(it) for it in chosen))

    def sizes_mb(self, seconds: float, every_s: float) -> list[float]:
        """The product's proportional set size, time and again."""
        sizes, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            sizes.append(sum(_pss_mb(it) for it in self.processes()))
            time.sleep(every_s)
        return sizes

    def by_process(self) -> dict[str, float]:
        """Process to its proportional set size, in MB."""
        found: dict[str, float] = {}
        for it in self.processes():
            command = " ".join(it.cmdline())
            ours = re.search(r"rider_core\.(web|cli\.main (worker \S+|\S+))", command)
            name = (ours[2] or "panel") if ours else "supervisord" if "supervisor.supervisord" in command else it.name()
            found[f"{name} {it.pid}"] = round(_pss_mb(it), 1)
        return found

    def scrapes(self, count: int, every_s: float) -> tuple[float, float]:
        """The 95th percentile of a scrape's duration in ms, and its size in kB."""
        times, size = [], 0
        with httpx.Client(timeout=10) as client:
            for _ in range(count):
                started = time.perf_counter()
                size = len(client.get(f"{self.url}/metrics").content)
                times.append((time.perf_counter() - started) * 1000)
                time.sleep(every_s)
        return statistics.quantiles(times, n=20)[18], size / 1000

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _pss_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / (1 << 20)
