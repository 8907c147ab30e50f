"""Waiting for what other threads and processes bring about. Nothing else in our tests sleeps: ruff refuses it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

#: Between two looks, in seconds: a condition may itself ask a server.
_LOOK_EVERY_S = 0.01


def wait_until(condition: Callable[[], object], timeout_s: float = 15.0, what: str = "the condition") -> None:
    """Return as soon as `condition()` is true; fail the test after `timeout_s` seconds.

    Args:
        what: Names the condition in the failure's message.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} was not met within {timeout_s:g} s")
        time.sleep(_LOOK_EVERY_S)


def let_pass(seconds: float, why: str) -> None:
    """Wait for a fixed time: where that time is what is tested or played, so that no condition tells of its end.

    Args:
        why: What passes meanwhile. For the reader; nothing is done with it.
    """
    time.sleep(seconds)
