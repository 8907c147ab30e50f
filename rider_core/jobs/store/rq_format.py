"""How RQ 3.0.0 writes times and tracebacks."""

from __future__ import annotations

import zlib
from base64 import b64encode
from datetime import datetime, timezone
from functools import lru_cache


def rq_time(ts: float) -> str:
    """Seconds since the epoch, as RQ writes times."""
    return f"{_second(int(ts))}.{int(ts % 1 * 1e6):06}Z"


def from_rq_time(text: str) -> float:
    """A time that RQ, or `rq_time`, has written, in seconds since the epoch. Raises `ValueError`."""
    return datetime.fromisoformat(text.removesuffix("Z") + "+00:00").timestamp()


def packed_traceback(text: str) -> str:
    """A traceback as RQ's stream of results has it."""
    return b64encode(zlib.compress(text.encode(errors="replace"))).decode()


@lru_cache(maxsize=8)
def _second(ts: int) -> str:
    """Cached: most calls within a second ask for the same one."""
    return datetime.fromtimestamp(ts, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
