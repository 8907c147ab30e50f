"""`ended_within` works after eventlet has patched the standard library, on every Python."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import warnings
warnings.filterwarnings("ignore")
import eventlet
eventlet.monkey_patch()
import threading, time
from rider_core.timing import ended_within
over = threading.Event()
thread = threading.Thread(target=over.wait, daemon=True)
thread.start()
began = time.monotonic()
assert not ended_within(thread, 0.2)
assert 0.2 <= time.monotonic() - began < 5
over.set()
assert ended_within(thread, 5)
assert not thread.is_alive()
print("passed")
"""


def test_ended_within_is_false_after_its_timeout() -> None:
    """Python 3.13's `Thread.join` with a timeout raises eventlet's `Timeout` there."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "passed\n", done.stderr
