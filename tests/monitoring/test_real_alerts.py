"""Alerts that fire and clear by their real faults: a real stack, a real Prometheus, our rules with short times."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import lab_engines
import pytest
from harness.whole_stack import family
from observed_stack import ObservedStack

from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

#: How long a condition must last, and the time ranges of rates.
WINDOWS = {r"for: \S+": "for: 2s", r"\[(1m|5m|10m|15m)\]": "[15s]"}
#: The memory that a worker may have, and that a leaking engine keeps.
LIMIT_MB, LEAK_MB = 400, 380
#: The longest wait for an alert to fire or to clear, in seconds.
PATIENCE_S = 90


@pytest.fixture
def stack(processes: Processes) -> Iterator[ObservedStack]:
    stack = ObservedStack(processes, WINDOWS, RIDER_WORKER_MEMORY_MB=str(LIMIT_MB))
    try:
        stack.start()
        yield stack
    finally:
        stack.end()


class Drill:
    """Causes a fault, waits for its alert, ends the fault, and waits until it clears."""

    def __init__(self, stack: ObservedStack) -> None:
        self.stack = stack
        self.rows: list[str] = []

    def alert(self, name: str, cause: Callable[[], object], end: Callable[[], object]) -> None:
        """
        Args:
            cause, end: Called again and again until the alert fires, and until it clears.
        """
        wait_until(lambda: name not in self.stack.prometheus.firing(), PATIENCE_S, f"quiet before {name}")
        fired_s = self._until(lambda: name in self.stack.prometheus.firing(), cause, f"{name} to fire")
        cleared_s = self._until(lambda: name not in self.stack.prometheus.firing(), end, f"{name} to clear")
        self.rows.append(f"| {name} | {fired_s:.1f} | {cleared_s:.1f} |")

    @staticmethod
    def _until(condition: Callable[[], bool], action: Callable[[], object], what: str) -> float:
        began = time.monotonic()

        def acted() -> bool:
            action()
            return condition()

        wait_until(acted, PATIENCE_S, what)
        return time.monotonic() - began


def test_each_alert_fires_and_clears_by_its_fault(stack: ObservedStack) -> None:
    drill = Drill(stack)
    folder = stack.processes.folder
    try:
        many_jobs(drill, folder)
        broken_engine(drill, folder)
        leaky_engine(drill, folder)
        robot_away(drill)
        workers_away(drill)
    finally:
        print("| alert | fired after s | cleared after s |\n| --- | --- | --- |", *drill.rows, sep="\n")
    assert len(drill.rows) == 7


def many_jobs(drill: Drill, folder: Path) -> None:
    """More jobs than a slow engine can do."""
    stack, backend = drill.stack, drill.stack.backend()
    slow = folder / lab_engines.SLOW
    slow.touch()
    ids = stack.submit(["Tell me more."] * 150)
    drill.alert("RiderProcessingTooSlow", lambda: None, lambda: faster(drill, ids, slow))
    slow.touch()
    ids += stack.submit(["Tell me more."] * 150)
    drill.alert("RiderQueueTooLong", lambda: None, lambda: faster(drill, ids, slow))
    backend.close()


def faster(drill: Drill, ids: list[str], slow: Path) -> None:
    """Make the engine fast again, cancel the old jobs, and submit a new one."""
    slow.unlink(missing_ok=True)
    backend = drill.stack.backend()
    while ids:
        backend.cancel(ids.pop())
    backend.close()
    drill.stack.submit(["And now?"])


def broken_engine(drill: Drill, folder: Path) -> None:
    """An engine that raises."""
    broken = folder / lab_engines.BROKEN

    def fail() -> None:
        broken.touch()
        drill.stack.submit(["Break."])

    def work() -> None:
        broken.unlink(missing_ok=True)
        drill.stack.submit(["And now?"])

    drill.alert("RiderBreakerOpen", fail, work)
    drill.alert("RiderDeadLettersGrowing", fail, work)


def leaky_engine(drill: Drill, folder: Path) -> None:
    """An engine that keeps memory."""
    leaky = folder / lab_engines.LEAKY

    def leak() -> None:
        if not leaky.exists():
            leaky.write_text(str(LEAK_MB << 20))
            drill.stack.submit(["Keep it."])

    def free() -> None:
        leaky.unlink(missing_ok=True)
        drill.stack.submit(["And now?"])

    drill.alert("RiderMemoryTooHigh", leak, free)


def robot_away(drill: Drill) -> None:
    """The robot is switched off, and on again."""

    def switch_off() -> None:
        if drill.stack.robot.poll() is None:
            drill.stack.robot.kill()
            drill.stack.robot.wait()

    def switch_on() -> None:
        if drill.stack.robot.poll() is not None:
            drill.stack.start_robot()

    drill.alert("RiderRobotLost", switch_off, switch_on)


def workers_away(drill: Drill) -> None:
    """Every worker is frozen, and thawed."""
    workers = [pid for pid, command in family(drill.stack.process.pid).items() if "main worker" in command]

    def send(number: int) -> None:
        for pid in workers:
            os.kill(pid, number)

    drill.alert("RiderWorkerGone", lambda: send(signal.SIGSTOP), lambda: send(signal.SIGCONT))
