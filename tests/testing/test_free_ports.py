"""`free_port` never allocates a port twice, neither in one process nor in two."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from rider_core.testing import ports
from rider_core.testing.ports import free_port

#: Draws the first argument, then the ports after it.
PROGRAM = """
import itertools, sys
from types import SimpleNamespace
from rider_core.testing import ports
drawn = itertools.count(int(sys.argv[1]))
ports._DICE = SimpleNamespace(randrange=lambda *_: next(drawn))
print(ports.free_port())
"""


def test_a_second_call_gets_another_port(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_port()
    drawn = iter([first, *range(first, first + 200)])
    monkeypatch.setattr(ports, "_DICE", SimpleNamespace(randrange=lambda *_: next(drawn)))
    assert free_port() > first


def test_another_process_gets_another_port() -> None:
    first = free_port()
    run = subprocess.run([sys.executable, "-c", PROGRAM, str(first)], capture_output=True, text=True, check=True)
    assert int(run.stdout) > first
    assert run.stderr == ""
