"""`rider up`: everything starts, a crashed process is restarted, and no process is left at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest
from harness.whole_stack import Stack, command_of, family

from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def stack(processes: Processes) -> Iterator[Stack]:
    """In a data folder whose name has special characters of shells and configuration files."""
    processes.environment["RIDER_DATA_DIR"] = str(processes.folder / ' my "robot" isn\'t 100%(s); ż ')
    stack = Stack(processes)
    stack.start()
    yield stack
    stack.end()


def test_a_job_goes_through_and_crashed_processes_come_back(stack: Stack) -> None:
    assert stack.run("hello", "first") == "hello"
    listens_on_loopback_alone(stack)
    refuses_a_second_up(stack)
    assert not (stack.processes.folder / "data").exists()
    assert "SIMULATED robot" in stack.processes.log("up")
    assert "plugin broken is failed: RuntimeError: no engine here" in stack.processes.log("up")
    server = stack.pid_of("main fork-server")
    assert server is not None
    assert len(os.listdir(f"/proc/{server}/task")) == 1, "threads are lost in a fork"
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
    assert not [pid for pid, command in members.items() if command_of(pid) == command]


def test_a_killed_supervisor_leaves_nothing(stack: Stack) -> None:
    members = family(stack.process.pid)
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: not [pid for pid, command in members.items() if command_of(pid) == command], 40, "their end")


def listens_on_loopback_alone(stack: Stack) -> None:
    pids = {f"pid={pid}," for pid in family(stack.process.pid)}
    listening = [
        line.split()[3]
        for line in subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
        if any(pid in line for pid in pids)
    ]
    assert len(listening) >= 5
    assert all(re.match(r"(127\.0\.0\.1|\[::1\]):", address) for address in listening), listening


def refuses_a_second_up(stack: Stack) -> None:
    second = stack.processes.start("-m", "rider_core.cli.main", "up", log="refused")
    assert second.wait(30) == 1
    assert "`rider up` runs on" in stack.processes.log("refused")
