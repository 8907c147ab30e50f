"""Time left until the deadline of the running jobs. Providers read it through their context."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

from rider_core.api.jobs import AnySpec


class TimeLeft:
    """The time left of one worker's jobs. A worker calls one engine at a time."""

    def __init__(self) -> None:
        #: On the monotonic clock: the machine's may be set meanwhile.
        self._until = math.inf

    def track(self, specs: Iterable[AnySpec | None]) -> None:
        """Set the deadline: the earliest of these jobs, which run together from now on."""
        deadlines = [spec.deadline_ts for spec in specs if spec is not None and spec.deadline_ts is not None]
        self._until = min(deadlines, default=math.inf) - time.time() + time.monotonic()

    def left_s(self) -> float:
        """See `ProviderContext.time_left_s`."""
        return self._until - time.monotonic()
