"""Metrics of Redis, the event bus, the schedules and the database, read at each scrape."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.registry import Collector

from rider_core.database.saved import size_bytes
from rider_core.errors import BackendUnavailable, DatabaseError
from rider_core.jobs.schedules import ScheduleStore
from rider_core.metrics import definitions
from rider_core.runtime.services import Services
from rider_core.timing import Stopwatch

#: The database is asked for its size once in this time, in seconds: PostgreSQL looks at every file for it.
SIZE_EVERY_S = 60.0


class StoreMetrics(Collector):
    """What cannot be read is missing; `rider_redis_up` says whether Redis answers."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._schedules = ScheduleStore(services.redis)
        self._size: int | None = None
        self._size_read: Stopwatch | None = None

    def collect(self) -> Iterable[Metric]:
        try:
            yield from list(self._of_redis())
            up = True
        except BackendUnavailable:
            up = False
        yield definitions.REDIS_UP.metric({(): float(up)})
        if (size := self._database_bytes()) is not None:
            yield definitions.DATABASE_BYTES.metric({(): float(size)})

    def describe(self) -> Iterable[Metric]:
        return ()

    def _of_redis(self) -> Iterable[Metric]:
        info = self._services.redis_info("memory")
        yield definitions.REDIS_BYTES.metric({(): float(info.get("used_memory", 0))})
        yield definitions.REDIS_LIMIT.metric({(): float(info.get("maxmemory", 0))})
        yield definitions.EVENT_STREAM.metric({(): float(self._services.bus.length())})
        counts = self._schedules.counts()
        yield definitions.SCHEDULES.metric({("active",): counts.active, ("inactive",): counts.inactive})
        yield definitions.SCHEDULES_DUE.metric({(): counts.due})

    def _database_bytes(self) -> int | None:
        if self._size_read is None or self._size_read.elapsed_s > SIZE_EVERY_S:
            self._size_read = Stopwatch.start()
            try:
                self._size = size_bytes(self._services.settings.database_location)
            except DatabaseError:
                self._size = None
        return self._size
