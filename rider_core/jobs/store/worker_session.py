"""What a worker sends with every request to the job store, and what RQ's record of the worker shows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from secrets import token_hex

from rider_core.jobs.store import keys
from rider_core.jobs.store.protocol import SHOWN_BUSY, SHOWN_IDLE, SHOWN_JOB, Attempt
from rider_core.jobs.store.rq_format import rq_time
from rider_core.jobs.timings import JobTimings
from rider_core.redis_functions import ConnectionPool

#: Every `FAIR_TURN`th request leases the job that has waited longest, of any priority and queue: no job starves.
FAIR_TURN = 8


class WorkerSession:
    """One worker's. Shared by its `JobConsumer` and its `JobSource`.

    Attributes:
        lanes: Those that it serves, in the order in which they are looked at: high priorities of all queues first.
        shown: What RQ's record of the worker shows.
    """

    def __init__(self, pool: ConnectionPool, worker: str, queues: Sequence[str], timings: JobTimings) -> None:
        self.pool = pool
        self.worker = worker
        self.queues = list(queues)
        self.timings = timings
        by_queue = [keys.lanes_of(queue) for queue in queues]
        self.lanes = [lane for same_priority in zip(*by_queue, strict=True) for lane in same_priority]
        self.shown = SHOWN_IDLE
        self._turn = 0

    def new_attempt(self) -> Attempt:
        now = time.time()
        return Attempt(self.worker, token_hex(16), now, rq_time(now), now + self.timings.lease_s, self.shown)

    def shows_work(self, task: str, limits: Mapping[str, int]) -> None:
        """Jobs of this task were leased: `lua/leases.lua` shows the first one where they are not short."""
        self.shown = SHOWN_BUSY if limits.get(task, 1) > 1 else SHOWN_JOB

    def count_turn(self) -> None:
        """Jobs were leased."""
        self._turn += 1

    @property
    def oldest_first(self) -> bool:
        """Whether it is the turn of the job that has waited longest."""
        return self._turn % FAIR_TURN == FAIR_TURN - 1
