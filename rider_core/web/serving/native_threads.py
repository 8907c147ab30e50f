"""Runs what computes for long in a thread of the system, so that eventlet's green threads go on meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def in_native_thread(function: Callable[..., T], *arguments: Any) -> T:
    """The function's result. It must not use locks, which are eventlet's own; without eventlet it is just called."""
    eventlet: Any = sys.modules.get("eventlet")
    if eventlet is None or not eventlet.patcher.is_monkey_patched("thread"):
        return function(*arguments)
    from eventlet import tpool  # noqa: PLC0415 - eventlet must not be imported where threads serve

    result: T = tpool.execute(function, *arguments)
    return result
