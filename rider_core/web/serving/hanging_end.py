"""Ends a process that hangs at its end, and tells where: each of its threads, and each green thread."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any

#: After this time more, in seconds, a process in which no Python code runs any more is ended, too.
_MORE_S = 1.0


def exit_after(limit_s: float) -> Callable[[], None]:
    """Exit with status 1 after that time, with the stacks on standard error. Returns the function that calls it off."""
    timer = _threading().Timer(limit_s, _exit)
    timer.daemon = True
    timer.start()
    faulthandler.dump_traceback_later(limit_s + _MORE_S, exit=True)

    def call_off() -> None:
        timer.cancel()
        faulthandler.cancel_dump_traceback_later()

    return call_off


def _threading() -> Any:
    """The module with real threads: a green one would wait for the one that hangs."""
    return (
        import_module("eventlet.patcher").original("threading")
        if "eventlet" in sys.modules
        else import_module("threading")
    )


def _exit() -> None:
    try:
        print("this process hangs at its end; its threads:", file=sys.stderr)
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        for each in gc.get_objects():
            frame = (
                getattr(each, "gr_frame", None) if type(each).__name__.endswith(("greenlet", "GreenThread")) else None
            )
            if frame is not None:
                print("green thread:", file=sys.stderr)
                traceback.print_stack(frame, file=sys.stderr)
        sys.stderr.flush()
    finally:
        os._exit(1)
