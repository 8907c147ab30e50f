"""People's preferences: their effect, what ends them, and the file that stores them."""

from __future__ import annotations

from pathlib import Path

import pytest
from failover_harness import FailoverHarness, FakeClock, FakeRobot

from rider_core.link.domain import FAILOVER_PREFIX, HEALTHY_FOR_S
from rider_core.link.preferences import Preference, Preferences


def test_a_preference_for_the_pc_takes_over_at_once_and_after_each_failure(clock: FakeClock) -> None:
    robot = FakeRobot()
    robot.put("vision", "local", "manual")
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    domain = harness.prefer("vision", "pc")
    assert (domain["mode"], domain["choice"], domain["by"], domain["problem"]) == (
        "pc",
        "pc",
        "the panel",
        "",
    )
    assert robot.reasons["vision"] == "set at rider-pc by the panel: for the test"
    harness.capacity.lacking = {"vision"}
    harness.rounds(2)
    assert robot.modes["vision"] == "local", "a preference does not replace a worker"
    harness.capacity.lacking = set()
    harness.rounds(2 * HEALTHY_FOR_S + 5)
    assert robot.modes["vision"] == "pc"


def test_a_domain_that_cannot_be_served_is_not_taken_over_and_shows_why(clock: FakeClock) -> None:
    robot = FakeRobot()
    robot.put("vision", "local", "manual")
    harness = FailoverHarness(clock, robot)
    harness.capacity.lacking = {"vision"}
    harness.rounds(20)
    domain = harness.prefer("vision", "pc")
    assert (domain["mode"], domain["problem"]) == ("local", "no worker can do vision.detect")
    harness.capacity.lacking = set()
    harness.rounds(2)
    assert robot.modes["vision"] == "pc", "it is taken over as soon as it can be served"


@pytest.mark.parametrize("reason", ["pc_unreachable", FAILOVER_PREFIX + "the PC's link ends", "manual"])
def test_a_domain_that_a_person_wants_local_is_never_taken_over(clock: FakeClock, reason: str) -> None:
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    assert harness.prefer("vision", "local")["mode"] == "local"
    robot.put("vision", "local", reason)
    robot.switched.clear()
    harness.rounds(400)
    assert not robot.switched


def test_automatic_undoes_a_switch_made_here_and_not_one_made_at_the_robot(clock: FakeClock) -> None:
    robot = FakeRobot()
    robot.put("voice", "local", "manual")
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    harness.prefer("vision", "local")
    harness.rounds(60)
    harness.prefer("vision", "automatic")
    harness.prefer("voice", "automatic")
    harness.rounds(HEALTHY_FOR_S + 6)
    assert (robot.modes["vision"], robot.modes["voice"]) == ("pc", "local")


@pytest.mark.parametrize("stopped", [False, True], ids=["while the link runs", "while the link is stopped"])
def test_a_switch_at_the_robot_ends_the_preference(clock: FakeClock, tmp_path: Path, stopped: bool) -> None:
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot, tmp_path / "robot.json")
    harness.rounds(20)
    harness.prefer("vision", "pc")
    robot.put("vision", "local", "manual")
    if stopped:
        harness = FailoverHarness(clock, robot, tmp_path / "robot.json")
    harness.rounds(400)
    assert robot.modes["vision"] == "local"
    assert harness.domains.describe("vision")["choice"] == "automatic"


def test_the_robots_defaults_at_its_start_do_not_end_the_preference(clock: FakeClock) -> None:
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot)
    harness.rounds(20)
    harness.prefer("vision", "pc")
    robot.put("vision", "local", "boot")
    harness.rounds(HEALTHY_FOR_S + 10)
    assert robot.modes["vision"] == "pc"


def test_preferences_and_history_survive_a_restart(clock: FakeClock, tmp_path: Path) -> None:
    robot = FakeRobot()
    harness = FailoverHarness(clock, robot, tmp_path / "robot.json")
    harness.rounds(20)
    harness.prefer("vision", "local")
    harness.prefer("voice", "pc")
    robot.put("voice", "local", "pc_unreachable")
    again = FailoverHarness(clock, robot, tmp_path / "robot.json")
    again.rounds(HEALTHY_FOR_S + 6)
    assert (robot.modes["vision"], robot.modes["voice"]) == ("local", "pc")
    switches = [(it.domain, it.mode, it.by) for it in again.domains.switches if it.domain != "text"]
    assert switches == [
        ("voice", "local", "robot"),
        ("vision", "pc", "robot"),
        ("vision", "local", "the panel"),
        ("voice", "pc", "the panel"),
        ("voice", "local", "robot"),
        ("voice", "pc", "rider-pc"),
    ]
    assert again.domains.switches[3].reason.endswith("for the test")


@pytest.mark.parametrize("content", [b"no json", b"[" * 100_000, b'{"preferences": 3}', b"x" * 2_000_000])
def test_a_damaged_file_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    path = tmp_path / "robot.json"
    path.write_bytes(content)
    preferences = Preferences(path)
    assert preferences.of("voice") == Preference()
    assert "put aside as robot.damaged" in caplog.text
    preferences.prefer("voice", Preference(choice="local", by="me"))
    assert Preferences(path).of("voice").choice == "local"


def test_a_file_that_cannot_be_written_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    preferences = Preferences(tmp_path / "missing" / "robot.json")
    for number in range(300):
        preferences.note("voice", "pc" if number % 2 else "local", "robot", "")
    assert len(caplog.records) == 1
    assert len(preferences.switches) == 200
