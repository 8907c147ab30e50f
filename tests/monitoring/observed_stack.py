"""`rider up` with engines that answer at once, a simulated robot that speaks, and a Prometheus that scrapes it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import httpx
import lab_engines
import redis
from harness import plain_http
from harness.whole_stack import Stack
from prometheus_server import Prometheus

from rider_core.api import JobSpec
from rider_core.config import load_settings
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.runtime.redis_connection import connect
from rider_core.testing.forked import ForkedProcess
from rider_core.testing.processes import Processes

SPOKEN = "Hello robot, what do you see in front of you?"


class ObservedStack(Stack):
    """
    Attributes:
        prometheus: Scrapes the panel each second.
        robot: The simulated robot.
    """

    def __init__(self, processes: Processes, windows: dict[str, str], **environment: str) -> None:
        super().__init__(processes)
        lab_engines.install(processes.folder)
        processes.environment.update(
            # The robot is started here, so that a test can stop it.
            RIDER_ROBOT="real",
            RIDER_PI_HOST="127.0.0.1",
            RIDER_BREAKER_REST_S="6",
            RIDER_PROVIDERS='{"text_generation": "lab-text"}',
            **environment,
        )
        target = f"127.0.0.1:{processes.environment['RIDER_WEB_PORT']}"
        self.prometheus = Prometheus(processes.folder / "prometheus", target, windows)
        self.robot: subprocess.Popen[bytes] | ForkedProcess

    def start(self, scraped: bool = True) -> None:
        """Start it.

        Args:
            scraped: Start Prometheus, too.
        """
        self.start_robot()
        super().start()
        self.switch_text_to_pc()
        if scraped:
            self.prometheus.start()

    def start_robot(self) -> None:
        """Start the simulated robot with recorded speech. Its owner switches the domains to the PC."""
        sounds = self.processes.folder / "sounds"
        if not sounds.exists():
            sounds.mkdir()
            program = shutil.which("espeak-ng")
            assert program, "apt-get install espeak-ng"
            subprocess.run([program, "-w", str(sounds / "question.wav"), SPOKEN], check=True)
        command = ("-m", "rider_core.cli.main", "simulate", "--owner", "--sounds", str(sounds))
        self.robot = self.processes.start(*command, log="robot")

    def switch_text_to_pc(self) -> None:
        """What the owner of a robot does for its conversation; the simulated one switches voice and vision only."""
        url = f"http://127.0.0.1:{self.processes.environment['RIDER_PI_API_PORT']}/api/providers/text"
        plain_http.request("PATCH", url, json={"target": "pc", "reason": "the owner"}).raise_for_status()

    def end(self) -> None:
        self.prometheus.end()
        if hasattr(self, "process"):
            super().end()

    def backend(self) -> RedisJobBackend:
        """A backend of its own on the stack's Redis."""
        return RedisJobBackend(self.connection(), RQLists())

    def connection(self) -> redis.Redis:
        """A connection of its own to the stack's Redis."""
        settings = load_settings(data_dir=self.processes.environment["RIDER_DATA_DIR"])
        return connect(settings.redis_location)

    def submit(self, prompts: Sequence[str], **options: object) -> list[str]:
        """Submit jobs of the language model. Returns their ids."""
        specs = [
            JobSpec(task="text.generate", payload={"prompt": prompt, **options}, retry={"max_attempts": 1})  # type: ignore[arg-type]
            for prompt in prompts
        ]
        return self.backend().submit_many(specs)

    def post(self, path: str, body: dict[str, object]) -> httpx.Response:
        return plain_http.post(self.url + path, json=body)

    def post_to_link(self, path: str, body: dict[str, object]) -> httpx.Response:
        """What the robot asks the link."""
        return plain_http.post(f"http://127.0.0.1:{self.processes.environment['RIDER_LINK_PORT']}{path}", json=body)

    def get(self, path: str) -> httpx.Response:
        return plain_http.get(self.url + path)
