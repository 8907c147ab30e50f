"""The fork server with real processes: who is started again, who is stopped first, and what a fork shares."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import time
from pathlib import Path

import psutil
import pytest

from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

#: Each child writes its name and process id, its supervisor and whether it counts, and waits for a signal.
PROGRAM = """
import os, signal, sys, time
from rider_core.metrics import definitions
from rider_core.runtime.fork_server import ForkServer
from rider_core.runtime.process import die_with_supervisor, set_up_logging
from rider_core.runtime.supervision import Program

def note(*words):
    # In one piece: two children write to the same file.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def child(arguments):
    die_with_supervisor()
    name = arguments[-1]
    definitions.PROCESS_RESTARTS.labels("seen-by-" + name).inc()
    note("started", name, os.getpid(), definitions.process_name(), definitions.shares_values())
    def end(*_):
        note("stopped", name)
        os._exit(0)
    if name != "deaf":
        signal.signal(signal.SIGTERM, end)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if name == "brief":
        sys.exit(3)
    while True:
        time.sleep(60)

set_up_logging("forks", "info")
names = sys.argv[1:]
ForkServer([Program(it, "run " + it, 10 * (1 + i), forked=True) for i, it in enumerate(names)], child).run()
note("end")
"""


class Server:
    """A fork server, and what it and its children printed."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self.metrics = processes.folder / "metrics"
        self.metrics.mkdir()
        processes.environment.update(PROMETHEUS_MULTIPROC_DIR=str(self.metrics), RIDER_PROCESS="fork-server")

    def start(self, *names: str, program: str = PROGRAM) -> None:
        self.process = self._processes.start("-c", program, *names, log="server")
        for name in names:
            wait_until(lambda name=name: self.pids(name), what=f"{name}: {self.log()}")  # type: ignore[misc]

    def log(self) -> str:
        return self._processes.log("server")

    def lines(self, what: str, name: str) -> list[list[str]]:
        found = [line.split() for line in self.log().splitlines()]
        return [words for words in found if words[:2] == [what, name]]

    def pids(self, name: str) -> list[int]:
        """Of all starts of a child."""
        return [int(words[2]) for words in self.lines("started", name)]


@pytest.fixture
def server(processes: Processes) -> Server:
    return Server(processes)


def test_a_child_that_is_killed_is_started_again(server: Server) -> None:
    server.start("one", "two")
    (first,), (other,) = server.pids("one"), server.pids("two")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(server.pids("one")) == 2, 10, "its successor")
    assert server.pids("two") == [other]
    assert psutil.pid_exists(other)
    assert re.search(r"one ended after \d+ s with status -9; it is started again in [01] s", server.log())


def test_one_that_ends_at_once_is_started_again_after_growing_delays(server: Server) -> None:
    server.start("brief")
    began = time.monotonic()
    wait_until(lambda: len(server.pids("brief")) == 3, 15, "two more tries")
    assert time.monotonic() - began > 1.3, "half a second and a second at least"
    assert server.log().count("with status 3; it is started again") >= 2


def test_one_that_cannot_be_forked_is_tried_again_and_the_others_run(server: Server) -> None:
    """As at a limit of processes or memory."""
    program = PROGRAM.replace(
        "set_up_logging(",
        """
import multiprocessing.popen_fork as it
fork, failures = it.Popen._launch, iter((1, 1))
def scarce(self, process):
    if process._args[0].name == "two" and next(failures, None):
        raise BlockingIOError(11, "Resource temporarily unavailable")
    fork(self, process)
it.Popen._launch = scarce
set_up_logging(""",
        1,
    )
    server.start("one", "two", program=program)
    assert server.log().count("two cannot be started: [Errno 11] Resource temporarily unavailable; it is tried") == 2
    assert len(server.pids("one")) == 1
    server.process.terminate()
    assert server.process.wait(20) == 0
    assert server.lines("stopped", "two")


def test_the_end_stops_the_children_from_the_last_to_the_first(server: Server) -> None:
    server.start("workers", "scheduler", "link")
    server.process.terminate()
    assert server.process.wait(20) == 0
    stopped = [line.split()[1] for line in server.log().splitlines() if line.startswith("stopped")]
    assert stopped == ["link", "scheduler", "workers"]
    assert server.log().rstrip().endswith("end")


def test_a_child_that_does_not_stop_is_killed(server: Server) -> None:
    program = PROGRAM.replace(
        "set_up_logging(", "import rider_core.runtime.fork_server as it\nit.STOP_WAIT_S = 1\nset_up_logging(", 1
    )
    server.start("one", "deaf", program=program)
    (deaf,) = server.pids("deaf")
    server.process.terminate()
    assert server.process.wait(20) == 0
    assert not psutil.pid_exists(deaf)
    assert server.lines("stopped", "one")


def test_children_end_with_a_server_that_is_killed(server: Server, processes: Processes) -> None:
    processes.environment["RIDER_SUPERVISOR_PID"] = str(os.getpid())
    server.start("one")
    (child,) = server.pids("one")
    server.process.kill()
    wait_until(lambda: server.lines("stopped", "one"), what="the child's end")
    wait_until(lambda: not psutil.pid_exists(child), what="its end")


def test_each_counts_under_its_own_name_and_has_its_own_title(server: Server) -> None:
    server.start("one", "two")
    assert [words[3:] for name in ("one", "two") for words in server.lines("started", name)] == [
        ["one", "True"],
        ["two", "True"],
    ]
    assert {file.name for file in server.metrics.glob("*.lock")} == {"fork-server.lock", "one.lock", "two.lock"}
    assert b'"seen-by-one"' in Path(server.metrics / "counter_one.db").read_bytes()
    for other in ("fork-server", "two"):
        assert b'"seen-by-one"' not in Path(server.metrics / f"counter_{other}.db").read_bytes()
    command = psutil.Process(server.pids("one")[0]).cmdline()
    assert " ".join(command).rstrip().endswith("-m rider_core.cli.main run one")


def test_the_lock_of_the_parent_is_not_the_childs(server: Server) -> None:
    """A killed server's name is free although its children may live a moment longer."""
    server.start("one")
    (child,) = server.pids("one")
    locked = {entry.path for entry in psutil.Process(child).open_files() if entry.path.endswith(".lock")}
    assert locked == {str(server.metrics / "one.lock")}


def test_a_name_that_another_process_has_is_not_shared(server: Server) -> None:
    program = PROGRAM.replace(
        "set_up_logging(", "import rider_core.metrics.files as it\nit.PREDECESSOR_S = 0.1\nset_up_logging(", 1
    )
    with (server.metrics / "one.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.start("one", program=program)
    assert server.lines("started", "one")[0][3:] == ["rider", "False"]
    assert b'"seen-by-one"' not in Path(server.metrics / "counter_fork-server.db").read_bytes()
    assert not (server.metrics / "counter_one.db").exists()
