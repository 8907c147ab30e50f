"""A running job keeps its deadline, whatever the machine's clock does meanwhile."""

from __future__ import annotations

import time

import pytest

from rider_core.api import JobSpec
from rider_core.worker.time_left import TimeLeft


@pytest.mark.parametrize("jump_s", [-7_200, 86_400], ids=["2 h back", "a day forward"])
def test_the_clock_is_set_while_a_job_runs(monkeypatch: pytest.MonkeyPatch, jump_s: float) -> None:
    time_left, real = TimeLeft(), time.time
    time_left.track([JobSpec(task="text.generate", payload={}, deadline_ts=time.time() + 60)])
    assert 55 < time_left.left_s() <= 60
    monkeypatch.setattr(time, "time", lambda: real() + jump_s)
    assert 55 < time_left.left_s() <= 60
    time_left.track([JobSpec(task="text.generate", payload={}, deadline_ts=time.time() + 60)])
    assert 55 < time_left.left_s() <= 60
