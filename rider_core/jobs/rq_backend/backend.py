"""Submitting to RQ's lists: the ledger's script puts a job into its list in the same step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import redis

from rider_core.jobs.ledger import ClaimDesk, LedgerBackend
from rider_core.jobs.rq_backend.desk import RQDesk
from rider_core.jobs.timings import DEFAULT_TIMINGS, JobTimings


class RQBackend(LedgerBackend):
    """RQ's queues and registries in Redis, through our own scripts."""

    name: ClassVar[str] = "rq"

    def __init__(self, connection: redis.Redis, timings: JobTimings = DEFAULT_TIMINGS) -> None:
        """
        Args:
            connection: With `decode_responses=False`.
        """
        super().__init__(connection, timings, broker=False)

    def desk(self, worker: str, queues: Sequence[str]) -> ClaimDesk:
        return RQDesk(self._redis, worker, queues, self.timings)
