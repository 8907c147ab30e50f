"""What the core's own tests share. A server and processes are in `rider_core.testing`: plugins' tests use them, too."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey

__all__ = ["Processes", "Valkey", "free_port", "install_plugin", "wait_until"]


def wait_until(condition: Callable[[], object], timeout_s: float = 15.0, what: str = "the condition") -> None:
    """Return as soon as `condition()` is true; fail after `timeout_s` seconds."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"{what} was not met within {timeout_s} s")
        time.sleep(0.02)


def free_port() -> int:
    """A TCP port on loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
