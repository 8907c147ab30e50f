"""RQ's lists as a transport: the function that accepts a job puts it into its list in the same step."""

from __future__ import annotations

from typing import cast

import redis

from rider_core.jobs.rq_lists.source import RQListSource
from rider_core.jobs.store import keys, protocol
from rider_core.jobs.store.functions import job_library
from rider_core.jobs.store.listing import WaitingJob
from rider_core.jobs.store.worker_session import WorkerSession
from rider_core.jobs.transport import Transport
from rider_core.redis_functions import Command, Library


class RQLists(Transport):
    """RQ's queues and registries."""

    name = "rq"

    @property
    def library(self) -> Library:
        return job_library("rider_rq", __package__, ("direct_dispatch",), (protocol.DEQUEUE, protocol.MARK_STARTED))

    def waiting_commands(self, lane: str) -> tuple[Command, Command]:
        return ("LLEN", keys.queue_key(lane)), ("LRANGE", keys.queue_key(lane), 0, 0)

    def waiting_after(
        self, connection: redis.Redis, lane: str, last: WaitingJob | None, count: int
    ) -> list[WaitingJob]:
        key = keys.queue_key(lane)
        index = None if last is None else connection.lpos(key, last.job_id)  # type: ignore[arg-type]
        # A list is worked off from its beginning: where the last one is gone, those before it are gone as well.
        start = 0 if index is None else cast("int", index) + 1
        return [WaitingJob(raw) for raw in cast("list[bytes]", connection.lrange(key, start, start + count - 1))]

    def source(self, connection: redis.Redis, session: WorkerSession) -> RQListSource:
        return RQListSource(session, self.library)

    def close(self) -> None:
        """The lists are in the store's own Redis: nothing is open."""
