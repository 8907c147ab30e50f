"""Whether there is memory for more jobs. A full Redis refuses every write, those that end jobs included."""

from __future__ import annotations

from typing import Any

import redis

from rider_core.errors import QueueFull
from rider_core.timing import Stopwatch

#: New jobs are refused where less than a tenth is free: what runs still needs room for its results.
FULL_SHARE = 0.9
#: Maximum age of the last reading of Redis's memory, in seconds. It takes longer to fill 100 MB.
REFRESH_S = 1.0


class Admission:
    """Refuses jobs while Redis's memory is nearly full. May be used from several threads."""

    def __init__(self, connection: redis.Redis, retry_after_s: float) -> None:
        self._redis = connection
        self._retry_after_s = retry_after_s
        self._watch: Stopwatch | None = None
        self._problem: str | None = None

    def check(self) -> None:
        """Raise `QueueFull` where memory is short."""
        if self._watch is None or self._watch.elapsed_s > REFRESH_S:
            self._watch = Stopwatch.start()
            self._problem = self._memory_problem()
        if self._problem:
            raise QueueFull(self._problem, retry_after_s=self._retry_after_s)

    def _memory_problem(self) -> str | None:
        info: Any = self._redis.info("memory")
        used, limit = int(info["used_memory"]), int(info.get("maxmemory", 0))
        if limit == 0 or used < FULL_SHARE * limit:
            return None
        return f"Redis holds {used / 1e6:.0f} MB of the {limit / 1e6:.0f} MB that it may, no more jobs are taken"
