"""Ports that tests give to servers: no two servers get the same one, in whatever processes."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from rider_core.testing import ports
from rider_core.testing.ports import free_port


def test_a_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_port()
    drawn = iter([first, first, first + 1, *range(first + 2, first + 200)])
    monkeypatch.setattr(ports, "_DICE", random.Random())
    monkeypatch.setattr(ports._DICE, "randrange", lambda *_: next(drawn))
    assert free_port() > first


def test_another_process_does_not_get_it() -> None:
    port = free_port()
    program = f"import socket; socket.socket(socket.AF_UNIX).bind('\\0rider-test-port-{port}')"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "Address already in use" in run.stderr
