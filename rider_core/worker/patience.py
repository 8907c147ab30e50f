"""How long those wait for whom an engine works. Providers read it through their context."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

from rider_core.api.jobs import AnySpec


class Patience:
    """Of one worker, which asks one engine at a time."""

    def __init__(self) -> None:
        self._until_ts = math.inf

    def waits_for(self, orders: Iterable[AnySpec | None]) -> None:
        """These are worked on from now on, together; the most urgent of them counts."""
        deadlines = [order.deadline_ts for order in orders if order is not None and order.deadline_ts is not None]
        self._until_ts = min(deadlines, default=math.inf)

    def left_s(self) -> float:
        """See `ProviderContext.time_left_s`."""
        return self._until_ts - time.time()
