"""Waiting for what other threads and processes bring about. Nothing else in our tests sleeps: ruff refuses it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

#: Between two looks, in seconds, at first and at most: a condition may itself ask a server, and keep it busy.
_FIRST_LOOK_S, _LONGEST_S = 0.005, 0.1
#: How much longer than necessary a wait may take.
_TOLERANCE = 0.1


def wait_until(condition: Callable[[], object], timeout_s: float = 30.0, what: str = "the condition") -> None:
    """Return as soon as `condition()` is true; fail the test after `timeout_s` seconds.

    Args:
        what: Names the condition in the failure's message.
    """
    begin = time.monotonic()
    while not condition():
        waited_s = time.monotonic() - begin
        if waited_s > timeout_s:
            pytest.fail(f"{what} was not met within {timeout_s:g} s")
        time.sleep(min(_LONGEST_S, max(_FIRST_LOOK_S, waited_s * _TOLERANCE)))


def let_pass(seconds: float, why: str) -> None:
    """Wait for a fixed time: where that time is what is tested or played, so that no condition tells of its end.

    Args:
        why: What passes meanwhile. For the reader; nothing is done with it.
    """
    time.sleep(seconds)
