"""`rider up`: everything comes up, a crashed process comes back, and nothing is left at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rider_core.testing.ports import free_port
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

ECHO = """
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
    return {pid: _command(pid) for pid in found if pid in parents}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


class Stack:
    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        install_plugin(processes.folder, "broken", "raise RuntimeError('no engine here')")
        install_plugin(processes.folder, "parrot", ECHO)
        ports = {
            f"RIDER_{name}": str(free_port())
            for name in ("WEB_PORT", "LINK_PORT", "PI_PUBLISH_PORT", "PI_SUBSCRIBE_PORT", "PI_API_PORT")
        }
        processes.environment.update(ports, RIDER_WORKERS="1")
        self.started = time.monotonic()
        self.process = processes.start("-m", "rider_core.cli.main", "up", log="up")
        wait_until(lambda: "Rider-PC is up" in processes.log("up"), 60, "the announcement")
        self.took_s = time.monotonic() - self.started

    def run(self, text: str, log: str) -> str:
        command = ("-m", "rider_core.cli.main", "run", "text.generate", text, "--timeout", "60")
        assert self.processes.start(*command, log=log).wait(90) == 0, self.processes.log("up")[-3000:]
        return self.processes.log(log).strip()

    def pid_of(self, what: str) -> int | None:
        return next((pid for pid, command in family(self.process.pid).items() if what in command), None)


@pytest.fixture
def stack(processes: Processes) -> Iterator[Stack]:
    stack = Stack(processes)
    yield stack
    if stack.process.poll() is None:
        stack.process.terminate()
        stack.process.wait(60)


def test_a_job_goes_through_and_crashed_processes_come_back(stack: Stack) -> None:
    assert stack.run("hello", "first") == "hello"
    assert "SIMULATED robot" in stack.processes.log("up")
    assert "plugin broken is failed: RuntimeError: no engine here" in stack.processes.log("up")
    before = {}
    for what in ("main worker", "main link", "rider_core.web", "valkey-server"):
        pid = stack.pid_of(what)
        assert pid is not None, family(stack.process.pid)
        before[what] = pid
        os.kill(pid, signal.SIGKILL)
    for what, old in before.items():
        wait_until(lambda what=what, old=old: stack.pid_of(what) not in (None, old), 30, f"a new {what}")  # type: ignore[misc]
    assert stack.run("again", "second") == "again"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_leaves_nothing(stack: Stack, number: signal.Signals) -> None:
    members = family(stack.process.pid)
    assert len(members) >= 6, members
    stack.process.send_signal(number)
    assert stack.process.wait(60) == 0
    assert not [pid for pid, command in members.items() if _command(pid) == command]


def test_a_killed_supervisor_leaves_nothing(stack: Stack) -> None:
    members = family(stack.process.pid)
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: not [pid for pid, command in members.items() if _command(pid) == command], 40, "their end")


def test_only_loopback_is_listened_on(stack: Stack) -> None:
    pids = {f"pid={pid}," for pid in family(stack.process.pid)}
    listening = [
        line.split()[3]
        for line in subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
        if any(pid in line for pid in pids)
    ]
    assert len(listening) >= 5
    assert all(re.match(r"(127\.0\.0\.1|\[::1\]):", address) for address in listening), listening


def test_a_second_one_says_that_there_is_one(stack: Stack) -> None:
    second = stack.processes.start("-m", "rider_core.cli.main", "up", log="second")
    assert second.wait(30) == 1
    assert "`rider up` runs on" in stack.processes.log("second")
