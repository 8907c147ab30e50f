"""`rider robot` with a link in its own process, also with a stopped link, without Redis and without a robot."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from click.testing import CliRunner
from harness.robot_harness import RobotHarness, robot_harness
from harness.shell import Shell

from rider_core.cli.robot import robot
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

#: A command's own start takes some seconds on a busy machine; the limits of the requests come on top.
START_S = 15.0


@pytest.fixture
def harness(processes: Processes, valkey: Valkey) -> Iterator[RobotHarness]:
    with robot_harness(processes, valkey) as harness:
        yield harness


@dataclass(frozen=True)
class Done:
    """An ended command. `output`: everything that it printed."""

    returncode: int
    output: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


class Rider:
    """Runs `rider robot ...` as a process of its own, a fork of one that has imported most of what it needs."""

    def __init__(self, harness: RobotHarness) -> None:
        self._processes = harness.processes
        self._numbers = count()

    def __call__(self, *arguments: str, **environment: str) -> Done:
        log = f"rider-{next(self._numbers)}.log"
        process = self._processes.fork("rider_core.cli.main", "robot", *arguments, log=log, **environment)
        return Done(process.wait(timeout=60), self._processes.log(log))


@pytest.fixture
def rider(harness: RobotHarness) -> Rider:
    return Rider(harness)


def test_a_switch_by_hand_from_beginning_to_end(harness: RobotHarness) -> None:
    rider = Shell({**harness.processes.environment, "COLUMNS": "160"}, "robot")
    harness.start_worker()
    harness.start_link()
    done = rider("switch", "text", "pc", "--why", "[it] is dark")
    assert (done.returncode, done.stderr) == (0, "")
    assert "text: done: the robot reports that the PC serves it" in done.stdout
    assert harness.mode("text") == "pc"
    shown = rider("show")
    assert shown.returncode == 0
    assert "up in both directions" in shown.stdout
    assert "the robot answered" in shown.stdout
    assert "[it] is dark" in shown.stdout
    view = json.loads(rider("show", "--json").stdout)
    assert view["domains"][2] | {"status": "", "reason": ""} == {
        "domain": "text", "mode": "pc", "status": "", "reason": "", "choice": "pc", "by": "the command line",
        "why": "[it] is dark", "problem": "", "unattended": False,
    }  # fmt: skip
    done = rider("switch", "--all", "auto", "--json")
    assert done.returncode == 0
    views = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(view["domain"]["domain"], view["domain"]["choice"], view["confirmed"]) for view in views] == [
        ("voice", "automatic", True), ("vision", "automatic", True), ("text", "automatic", True),
    ]  # fmt: skip
    history = rider("history")
    assert "the command line" in history.stdout
    assert "set at rider-pc by the command line: [it] is dark" in history.stdout
    last = rider("history", "--json", "--limit", "1")
    assert [json.loads(line)["mode"] for line in last.stdout.splitlines()] == ["pc"]


@pytest.mark.parametrize(
    "words", [(), ("pc",), ("legs", "pc"), ("voice", "mine"), ("voice", "pc", "--all"), ("voice", "pc", "now")]
)
def test_a_wrong_command_is_answered_with_the_usage(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(robot, ["switch", *words])
    assert done.exit_code == 2
    assert "Error: " in done.output
    assert "rider robot switch voice pc" in done.output or "voice, vision, text" in done.output


def test_without_a_link_it_says_what_to_do(harness: RobotHarness, rider: Rider) -> None:
    harness.start_link()
    harness.link.kill()
    harness.link.wait()
    for arguments in (("show",), ("switch", "voice", "pc")):
        began = time.monotonic()
        done = rider(*arguments)
        assert time.monotonic() - began < START_S
        assert done.returncode == 1
        assert "the link to the robot is not running" in done.output
        assert "rider up" in done.output
    assert harness.mode("voice") == "local"
    harness.start_link()
    assert rider("switch", "voice", "local").returncode == 0, "the killed link's socket was replaced"


def test_a_stopped_link_is_distinguished_from_a_missing_one(harness: RobotHarness, rider: Rider) -> None:
    harness.start_link().send_signal(signal.SIGSTOP)
    began = time.monotonic()
    done = rider("switch", "text", "pc")
    assert time.monotonic() - began < START_S
    assert done.returncode == 1
    assert "the link runs and does not answer" in done.output
    harness.link.send_signal(signal.SIGCONT)
    assert rider("show", "--json").json["domains"][2]["choice"] == "automatic", "it was not done later"
    assert harness.mode("text") == "local"


def test_it_needs_no_redis(harness: RobotHarness, rider: Rider) -> None:
    harness.start_link()
    harness.valkey.kill()
    done = rider("switch", "text", "local", "--why", "no Redis")
    assert done.returncode == 0
    assert rider("show", "--json").json["domains"][2]["why"] == "no Redis"


def test_a_link_on_another_machine_is_asked_over_redis(harness: RobotHarness, rider: Rider) -> None:
    harness.start_link()
    elsewhere = str(harness.processes.folder / "elsewhere")
    assert rider("switch", "text", "pc", RIDER_DATA_DIR=elsewhere).returncode == 0
    assert harness.mode("text") == "pc"
    harness.valkey.kill()
    done = rider("show", RIDER_DATA_DIR=elsewhere)
    assert done.returncode == 1
    assert "the link to the robot is not running" in done.output
    assert "over Redis: Redis cannot be reached" in done.output


def test_an_unreachable_robot_confirms_nothing(harness: RobotHarness, rider: Rider) -> None:
    harness.start_link()
    harness.robot.kill_api()
    done = rider("switch", "text", "pc")
    assert done.returncode == 1
    assert "text: not yet: " in done.output
    assert "the choice is kept" in done.output
    harness.robot.start_api()
    wait_until(lambda: harness.mode("text") == "pc", what="the switch, once the robot is back")


def test_stop_returns_every_domain(harness: RobotHarness, rider: Rider) -> None:
    harness.start_link()
    assert rider("switch", "text", "pc").returncode == 0
    assert rider("stop").returncode == 0
    assert harness.link.wait(timeout=20) == 0
    assert harness.mode("text") == "local"
    assert not os.path.lexists(harness.socket)


def test_a_second_link_is_refused(harness: RobotHarness) -> None:
    first = harness.start_link()
    second = harness.processes.fork("rider_core.cli.main", "link", log="second.log")
    assert second.wait(timeout=20) == 1
    assert f"another process (number {first.pid}) listens" in harness.processes.log("second.log")
    assert first.poll() is None


def test_a_folder_that_cannot_be_used_costs_the_socket_only(harness: RobotHarness, rider: Rider) -> None:
    harness.socket.parent.parent.mkdir(parents=True)
    harness.socket.parent.write_text("a file where the folder should be")
    harness.link = harness.processes.fork("rider_core.cli.main", "link", log="link.log")
    wait_until(lambda: rider("show").returncode == 0, 30, what="an answer over Redis")
    assert "reaches this link over Redis only" in harness.processes.log("link.log")
