"""The trace that this thread works for. Log lines have its id (`runtime/log_lines.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from secrets import token_hex

_current: ContextVar[str] = ContextVar("rider_trace", default="")


def new_trace_id() -> str:
    """An id in the form of W3C Trace Context: 32 hexadecimal digits."""
    return token_hex(16)


def current_trace() -> str:
    """The trace of this thread; empty: none."""
    return _current.get()


@contextmanager
def traced(trace_id: str | None) -> Iterator[None]:
    """Work for this trace; None: for none."""
    token = _current.set(trace_id or "")
    try:
        yield
    finally:
        _current.reset(token)
