"""A forked process behaves like one started by Popen."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rider_core.testing.forked import ForkedProcess
from rider_core.testing.processes import Processes, Started
from rider_core.testing.waiting import wait_until

MODULE = "played"
SOURCE = """
import os, signal, sys, time

def main():
    print("arguments", sys.argv[1:], "in", os.getcwd(), "with", os.environ.get("WORD"))
    print("complaint", file=sys.stderr)
    what = sys.argv[1]
    if what == "wait":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
        print("waits", flush=True)
        time.sleep(60)
    elif what == "raise":
        raise RuntimeError("played")
    elif what == "exit":
        os._exit(70)

if __name__ == "__main__":
    main()
"""


@pytest.fixture(params=["forked", "started"])
def start(request: pytest.FixtureRequest, processes: Processes) -> Callable[[str], Started]:
    """Starts the program one way and the other."""
    (processes.folder / f"{MODULE}.py").write_text(SOURCE)

    def run(what: str) -> Started:
        if request.param == "forked":
            return processes.fork(MODULE, what, WORD="hello")
        return processes.start("-m", MODULE, what, WORD="hello")

    return run


@pytest.mark.parametrize(("what", "status"), [("return", 0), ("raise", 1), ("exit", 70)])
def test_how_it_ends(start: Callable[[str], Started], processes: Processes, what: str, status: int) -> None:
    process = start(what)
    assert process.wait(20) == process.poll() == process.returncode == status
    log = processes.log()
    assert f"arguments ['{what}'] in {processes.folder} with hello" in log
    assert "complaint" in log
    assert ("RuntimeError: played" in log) is (what == "raise")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 3), (signal.SIGKILL, -9)])
def test_signals(start: Callable[[str], Started], processes: Processes, number: int, status: int) -> None:
    process = start("wait")
    wait_until(lambda: "waits" in processes.log())
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    process.send_signal(number)
    assert process.wait(20) == status
    process.terminate()  # nothing happens
    assert not Path(f"/proc/{process.pid}").exists()


def test_it_has_imported_our_modules_already(processes: Processes) -> None:
    """A fork that imports them itself is as slow as a new interpreter, and no other test fails."""
    (processes.folder / f"{MODULE}.py").write_text(
        "import sys\ndef main():\n    print('rider_core.worker' in sys.modules)\n"
    )
    process = processes.fork(MODULE)
    assert isinstance(process, ForkedProcess)
    assert process.wait(20) == 0
    assert processes.log() == "True\n"
