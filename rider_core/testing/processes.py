"""Programs of ours that a test starts, with an environment of their own; every one of them is ended."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from rider_core.testing.forked import ForkedProcess


class Started(Protocol):
    """A process that was started: what `subprocess.Popen` and its likes have in common."""

    pid: int

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, number: int, /) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


def install_plugin(folder: Path, name: str, source: str) -> None:
    """Put a plugin into `folder` as pip would: a module, and metadata with its entry point."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    announce_plugin(folder, name, module)


def announce_plugin(folder: Path, name: str, module: str) -> None:
    """Metadata in `folder` for a plugin whose module can be imported already."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[rider_core.plugins]\n{name} = {module}\n")


class Processes:
    """Starts programs of ours with an environment of their own, and ends every one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: The interpreter that `start` runs.
        self.python = sys.executable
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RIDER_", "REDIS_"))},
            "RIDER_DATA_DIR": str(folder / "data"),
            "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONUNBUFFERED": "1",
            # What happens to be installed beside is not the test's business; it puts its own plugins into the folder.
            "RIDER_PLUGINS_DISABLED": ",".join(point.name for point in entry_points(group="rider_core.plugins")),
        }
        self._running: list[Started] = []

    def start(self, *arguments: str, log: str = "log", **environment: str) -> subprocess.Popen[bytes]:
        """`python ARGUMENTS` with its output appended to a file of that name in the folder."""
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                [self.python, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self.environment, **environment},
                cwd=self.folder,
            )
        self._running.append(process)
        return process

    def fork(self, module: str, *arguments: str, log: str = "log", **environment: str) -> ForkedProcess:
        """As `start("-m", module, ...)`, by a process that has imported our modules already: most of a start is that.

        For what is done with processes; not for what is shown of a program's start, memory or imports.

        Args:
            module: One of `forked.PRELOADED`, or another with a function `main`.
        """
        process = ForkedProcess(module, arguments, self.folder / log, {**self.environment, **environment}, self.folder)
        self._running.append(process)
        return process

    def add(self, process: Started) -> None:
        """Take over a process that was started elsewhere: it is ended with the others."""
        self._running.append(process)

    def fork_worker(self, *queues: str, log: str = "log") -> ForkedProcess:
        """A worker with short leases and heartbeats (`kill_points.FAST_TIMINGS`)."""
        return self.fork("rider_core.testing.jobs.faults.fast_timing_worker", "never", *queues, log=log)

    def log(self, name: str = "log") -> str:
        return (self.folder / name).read_text(errors="replace")

    def has_log(self, name: str = "log") -> bool:
        """Whether something was started that writes there."""
        return (self.folder / name).exists()

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
