"""`rider simulate` is a robot as strict as a real one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from rider_core.cli import simulate as module
from rider_core.simulator import RobotConfig


def test_it_has_the_robots_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(module, "run_simulator", started.append)
    monkeypatch.setattr(module, "engine_voice", lambda _: None)
    for name in ("set_up_logging", "die_with_supervisor"):
        monkeypatch.setattr(module, name, lambda *_: None)
    assert CliRunner().invoke(module.simulate, [], catch_exceptions=False).exit_code == 0
    ports = {name: getattr(started[0], name) for name in ("publish_port", "subscribe_port", "api_port")}
    assert started == [replace(RobotConfig(), **ports)]
    assert (started[0].voice_fallback_s, started[0].voice_restart_s, started[0].safe_max_duration_s) == (5.0, 3.0, 0.25)
    assert started[0].ai_mode_race == 0.0
