"""A line that repeats is written once; then it is counted."""

from __future__ import annotations

import logging

import pytest

from rider_core.link import log_throttle
from rider_core.link.log_throttle import LogThrottle


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(log_throttle, "time", clock)
    return clock


@pytest.fixture
def line(caplog: pytest.LogCaptureFixture) -> LogThrottle:
    caplog.set_level(logging.INFO)
    return LogThrottle(logging.getLogger("vision"), "a frame was not analysed")


def test_an_hour_of_repeats_logs_one_line_a_minute(
    clock: Clock, line: LogThrottle, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5 * 3_600):
        line.info(f"it had waited for {number} ms")
        clock.now += 0.2
    line.reset()
    assert caplog.messages[0] == "a frame was not analysed: it had waited for 0 ms"
    assert 55 < len(caplog.messages) < 65
    counted = [int(message.split()[5]) for message in caplog.messages[1:]]
    assert sum(counted) == 5 * 3_600 - 1, "each occurrence is counted once"
    assert caplog.messages[-1].endswith("times more, at last: it had waited for 17999 ms")


def test_after_a_reset_the_next_line_is_logged(
    clock: Clock, line: LogThrottle, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        line.info("no worker")
        line.reset()
        line.reset()
    assert caplog.messages == ["a frame was not analysed: no worker"] * 2


def test_the_traceback_is_logged_once(clock: Clock, line: LogThrottle, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        line.info("ZeroDivisionError: ", ZeroDivisionError())
    line.reset()
    assert [record.exc_info is not None for record in caplog.records] == [True, False]
