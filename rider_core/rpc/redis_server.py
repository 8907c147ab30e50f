"""The server over Redis: takes requests from a list, and answers each in a list of its own.

It has a thread of its own, which nothing else waits for: a Redis that hangs delays requests, and nothing else.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import redis

from rider_core.rpc.handling import MAX_REQUEST_BYTES, RequestHandler, ThreadLimiter, busy_error, too_large_error
from rider_core.rpc.redis_keys import FORGET_MS, answer_key, is_id, request_key, waiting_key
from rider_core.timing import backoff_delays

log = logging.getLogger(__name__)

#: One BLPOP waits this long at most, so that a server that should stop is not stuck for longer.
BLOCK_S = 1.0


@dataclass(frozen=True)
class _Request:
    id: str
    body: bytes
    #: Until when its client waits (monotonic).
    end: float


class RedisServer:
    """Answers requests that come over Redis, until it is stopped. Survives a Redis that is away for a while."""

    def __init__(self, connection: redis.Redis, name: str, handler: RequestHandler) -> None:
        """
        Args:
            connection: With a socket timeout well above `BLOCK_S`.
            name: The name that clients use. Of several servers with one name, one takes each request.
        """
        self._redis = connection
        self._name = name
        self._handler = handler
        self._threads = ThreadLimiter("redis-request")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="redis-requests", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=BLOCK_S + 1)

    def _run(self) -> None:
        delays = backoff_delays(0.2, 5.0)
        while not self._stop.is_set():
            try:
                request = self._dequeue()
                delays = backoff_delays(0.2, 5.0)
            except redis.RedisError as error:
                log.debug("requests cannot be taken from Redis: %s", error)
                self._stop.wait(next(delays))
                continue
            except Exception:  # the top of a thread
                log.exception("a request could not be taken from Redis")
                self._stop.wait(next(delays))
                continue
            if request is not None:
                self._dispatch(request)

    def _dequeue(self) -> _Request | None:
        """The next request; None: there is none, or it has expired."""
        popped = cast("tuple[bytes, bytes] | None", self._redis.blpop([waiting_key(self._name)], timeout=BLOCK_S))
        if popped is None or not is_id(popped[1]):
            return None
        request_id = popped[1].decode()
        key = request_key(self._name, request_id)
        asked_at = time.monotonic()  # before Redis reports the time left: this process may be suspended meanwhile
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.getrange(key, 0, MAX_REQUEST_BYTES)
            pipeline.pttl(key)
            pipeline.delete(key)
            replies: list[Any] = pipeline.execute()
        body, left_ms = bytes(replies[0]), int(replies[1])
        return _Request(request_id, body, asked_at + left_ms / 1000) if left_ms > 0 else None

    def _dispatch(self, request: _Request) -> None:
        if len(request.body) > MAX_REQUEST_BYTES:
            self._send(request, self._handler.refuse(too_large_error()))
        elif not self._threads.run(partial(self._answer, request)):
            self._send(request, self._handler.refuse(busy_error()))

    def _answer(self, request: _Request) -> None:
        left_s = request.end - time.monotonic()
        if left_s > 0:
            self._send(request, self._handler.answer(request.body, left_s))

    def _send(self, request: _Request, answer: bytes) -> None:
        key = answer_key(self._name, request.id)
        try:
            with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.rpush(key, answer)
                pipeline.pexpire(key, FORGET_MS)
                pipeline.execute()
        except redis.RedisError as error:
            log.warning("an answer could not be sent over Redis: %s", error)
