"""`rider up` as a user has it, with an engine that answers at once and a simulated robot."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rider_core.testing.ports import free_port
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.waiting import wait_until

PARROT = """
from rider_core.api import TextGenerator, hookimpl
RIDER_API = "1.0"
class Parrot(TextGenerator):
    name = "parrot"
    def generate_stream(self, request):
        yield request.prompt
@hookimpl
def register_providers(register):
    register(Parrot)
"""


def family(root: int) -> dict[int, str]:
    """The processes below `root`, with their command lines."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found, grown = {root}, True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in found}
        grown = not children <= found
        found |= children
    return {pid: command_of(pid) for pid in found if pid in parents}


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


class Stack:
    """`rider up` with a plugin that works and one that does not."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        install_plugin(processes.folder, "broken", "raise RuntimeError('no engine here')")
        install_plugin(processes.folder, "parrot", PARROT)
        ports = {
            f"RIDER_{name}": str(free_port())
            for name in ("WEB_PORT", "LINK_PORT", "PI_PUBLISH_PORT", "PI_SUBSCRIBE_PORT", "PI_API_PORT")
        }
        processes.environment.update(ports)
        self.process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.processes.environment['RIDER_WEB_PORT']}"

    def start(self) -> None:
        """Start it, and wait until it says that it is up."""
        before = self._times_up() if (self.processes.folder / "up").exists() else 0
        self.process = self.processes.start("-m", "rider_core.cli.main", "up", log="up")
        wait_until(lambda: self._times_up() > before, 60, "the announcement")

    def members(self) -> set[int]:
        """Its processes, without the one that ends by itself."""
        return {pid for pid, command in family(self.process.pid).items() if "main announce" not in command}

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def run(self, text: str, log: str) -> str:
        command = ("-m", "rider_core.cli.main", "run", "text.generate", text, "--timeout", "60")
        assert self.processes.start(*command, log=log).wait(90) == 0, self.processes.log("up")[-3000:]
        return self.processes.log(log).strip()

    def pid_of(self, what: str) -> int | None:
        return next((pid for pid, command in family(self.process.pid).items() if what in command), None)

    def _times_up(self) -> int:
        return self.processes.log("up").count("Rider-PC is up")
