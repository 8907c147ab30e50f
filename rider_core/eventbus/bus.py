"""Publishes events, subscribes to them, and follows one job. Streams are bounded; events that a slow subscriber missed
are counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import redis

from rider_core.api.events import (
    FINAL_KINDS,
    HOUSE_STREAM,
    HOUSE_STREAM_LENGTH,
    JOB_STREAM_LENGTH,
    JOB_STREAM_TTL_S,
    Event,
    EventKind,
    job_stream,
)
from rider_core.api.messages import MessageT
from rider_core.eventbus.codec import decode_events, encode_event
from rider_core.redis_errors import unavailable
from rider_core.timing import Stopwatch, backoff_delays

#: Maximum wait of one XREAD, in milliseconds: a subscriber stops within this time.
READ_BLOCK_MS = 1_000
#: Maximum number of entries of one read.
READ_COUNT = 500

Entry = tuple[bytes, dict[bytes, bytes]]


class EventBus:
    """One process's access to the bus. All methods may be called from several threads."""

    def __init__(self, connection: redis.Redis, source: str) -> None:
        """
        Args:
            connection: With `decode_responses=False`, and a socket timeout well above `READ_BLOCK_MS`.
            source: Name of this process, as the events show it.
        """
        self._redis = connection
        self.source = source

    def publish(self, kind: EventKind, *, job_id: str | None = None, **data: Any) -> None:
        """Publish an event to all subscribers.

        Raises:
            BackendUnavailable: Redis cannot be reached.
        """
        event = Event(kind=kind, ts=time.time(), source=self.source, job_id=job_id, data=data)
        try:
            self._redis.xadd(HOUSE_STREAM, encode_event(event), maxlen=HOUSE_STREAM_LENGTH, approximate=True)
        except redis.RedisError as error:
            raise unavailable(error) from error

    def publish_partial(self, job_id: str, partial: MessageT) -> None:
        """Add a partial result to the job's stream.

        Raises:
            BackendUnavailable: Redis cannot be reached.
        """
        data = partial.model_dump(mode="json")
        event = Event(kind="job.partial", ts=time.time(), source=self.source, job_id=job_id, data=data)
        stream = job_stream(job_id)
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.xadd(stream, encode_event(event), maxlen=JOB_STREAM_LENGTH, approximate=False)
                pipeline.expire(stream, JOB_STREAM_TTL_S)
                pipeline.execute()
        except redis.RedisError as error:
            raise unavailable(error) from error

    def follow(
        self,
        job_id: str,
        silence_s: float,
        *,
        read_count: int = READ_COUNT,
        on_idle: Callable[[], None] | None = None,
    ) -> Iterator[Event]:
        """The events of a job submitted with `stream=True`, from the beginning of its stream.

        The iteration ends after an event of `FINAL_KINDS`, or when no event came for `silence_s` seconds. Each read
        extends the life of the stream by `JOB_STREAM_TTL_S`, so a slow reader loses nothing.

        Args:
            read_count: Events that are read into memory together.
            on_idle: Called at least once a second while no event comes; what it raises ends the iteration.

        Raises:
            BackendUnavailable: Redis cannot be reached.
        """
        quiet = Stopwatch.start()
        last_id: bytes = b"0"
        stream = job_stream(job_id)
        while (left_s := silence_s - quiet.elapsed_s) > 0:
            block_ms = max(1, min(READ_BLOCK_MS, int(left_s * 1000)))
            try:
                entries = self._read(stream, last_id, block_ms, read_count)
            except redis.RedisError as error:
                raise unavailable(error) from error
            if not entries and on_idle is not None:
                on_idle()
            for entry_id, fields in entries:
                last_id = entry_id
                for event in decode_events(fields):
                    yield event
                    if event.kind in FINAL_KINDS:
                        return
                    quiet = Stopwatch.start()

    def recent(self, limit: int) -> list[Event]:
        """The last `limit` events, oldest first."""
        try:
            entries = cast("list[Entry]", self._redis.xrevrange(HOUSE_STREAM, count=limit))
        except redis.RedisError as error:
            raise unavailable(error) from error
        return [event for _, fields in reversed(entries) for event in decode_events(fields)][-limit:]

    def length(self) -> int:
        """Number of entries in the stream. Raises `BackendUnavailable`."""
        try:
            length: Any = self._redis.xlen(HOUSE_STREAM)
            return int(length)
        except redis.RedisError as error:
            raise unavailable(error) from error

    def subscribe(self, should_stop: Callable[[], bool], on_dropped: Callable[[int], None]) -> Iterator[Event]:
        """Events from now on. While Redis cannot be reached, the subscriber retries.

        Args:
            should_stop: Called at least once a second.
            on_dropped: Called with the number of entries that were trimmed before they were read. An entry has one
                event or several.
        """
        position: tuple[bytes, int] | None = None
        delays = backoff_delays(0.2, 5.0)
        while not should_stop():
            try:
                position = position or self._newest_entry()
                entries, missed = self._read_counting(*position)
                delays = backoff_delays(0.2, 5.0)
            except redis.RedisError:
                time.sleep(next(delays))
                continue
            if missed:
                on_dropped(missed)
            if entries:
                position = entries[-1][0], position[1] + missed + len(entries)
            for _, fields in entries:
                yield from decode_events(fields)

    def _newest_entry(self) -> tuple[bytes, int]:
        """Id of the newest entry, and the number of entries that were ever added."""
        try:
            info: Any = self._redis.xinfo_stream(HOUSE_STREAM)
        except redis.ResponseError:  # the stream does not exist yet
            return b"0", 0
        return info["last-generated-id"], info["entries-added"]

    def _read_counting(self, last_id: bytes, read: int) -> tuple[list[Entry], int]:
        """The next entries after `last_id`, and how many were trimmed unread, if `read` were read so far.

        Both commands are in one pipeline: with a backlog they run back to back, so the number is exact.
        """
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xinfo_stream(HOUSE_STREAM)
            pipeline.xread({HOUSE_STREAM: last_id}, count=READ_COUNT, block=READ_BLOCK_MS)
            info, answer = pipeline.execute(raise_on_error=False)
        if isinstance(answer, Exception):
            raise answer
        trimmed = info["entries-added"] - info["length"] if isinstance(info, dict) else 0
        return _entries(answer), max(0, trimmed - read)

    def _read(self, stream: str, last_id: bytes, block_ms: int, count: int) -> list[Entry]:
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.expire(stream, JOB_STREAM_TTL_S)
            pipeline.xread({stream: last_id}, count=count, block=block_ms)
            return _entries(pipeline.execute()[1])


def _entries(answer: Any) -> list[Entry]:
    """The entries in XREAD's answer about one stream (RESP2: a list of pairs)."""
    return cast("list[Entry]", answer[0][1]) if answer else []
