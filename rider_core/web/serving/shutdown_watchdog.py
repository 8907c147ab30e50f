"""Ends a process whose shutdown hangs, and logs the stack of each thread and green thread.

faulthandler alone shows eventlet's hub, but no suspended green thread.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any

#: Additional time until faulthandler ends the process from C, in seconds. It covers native code that holds the GIL.
_GIL_MARGIN_S = 1.0


def start_watchdog(limit_s: float) -> Callable[[], None]:
    """Exit with status 1 after `limit_s` seconds, with all stacks on standard error. Returns the function to cancel."""
    timer = _native_threading().Timer(limit_s, _exit_with_stacks)
    timer.daemon = True
    timer.start()
    faulthandler.dump_traceback_later(limit_s + _GIL_MARGIN_S, exit=True)

    def cancel() -> None:
        timer.cancel()
        faulthandler.cancel_dump_traceback_later()

    return cancel


def _native_threading() -> Any:
    """`threading` without eventlet's patches: a green timer cannot run while another green thread blocks."""
    if "eventlet" in sys.modules:
        return import_module("eventlet.patcher").original("threading")
    return import_module("threading")


def _exit_with_stacks() -> None:
    try:
        print("the shutdown of this process hangs; stacks of its threads:", file=sys.stderr)
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        for frame in _green_frames():
            print("stack of a green thread:", file=sys.stderr)
            traceback.print_stack(frame, file=sys.stderr)
        sys.stderr.flush()
    finally:
        os._exit(1)


def _green_frames() -> list[Any]:
    """The innermost frame of each suspended green thread."""
    if "greenlet" not in sys.modules:
        return []
    kind = import_module("greenlet").greenlet
    frames = [each.gr_frame for each in gc.get_objects() if isinstance(each, kind)]
    return [frame for frame in frames if frame is not None]
