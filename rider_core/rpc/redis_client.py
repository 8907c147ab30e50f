"""The client over Redis: one request, one answer, within a time limit."""

from __future__ import annotations

import secrets
import time
from typing import Any, cast

import redis

from rider_core.errors import NoAnswer, NotRunning
from rider_core.redis_errors import unavailable
from rider_core.rpc.handling import MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, too_large_error
from rider_core.rpc.redis_keys import FORGET_MS, MAX_WAITING, answer_key, request_key, waiting_key

#: One BLPOP waits this long at most: below the connection's own timeout, which finds a Redis that hangs.
BLOCK_S = 0.5


class RedisClient:
    """Sends requests to the server `name`. May be used from several threads."""

    def __init__(self, connection: redis.Redis, name: str) -> None:
        """
        Args:
            connection: With a socket timeout between `BLOCK_S` and the time that a person waits, and without retries.
        """
        self._redis = connection
        self._name = name

    def ask(self, request: bytes, limit_s: float) -> bytes:
        """Send a request; returns its answer.

        Raises:
            BackendUnavailable: Redis cannot be reached.
            NotRunning: no server took the request within `limit_s` seconds. It is withdrawn.
            NoAnswer: a server took it, and did not answer.
            TooLarge: the request is longer than a server takes.
        """
        if len(request) > MAX_REQUEST_BYTES:
            raise too_large_error()
        request_id = secrets.token_hex(16)
        try:
            self._put(request_id, request, limit_s)
            answer = self._wait(request_id, time.monotonic() + limit_s)
            if answer is not None:
                return answer
            withdrawn = bool(self._redis.delete(request_key(self._name, request_id)))
        except redis.RedisError as error:
            raise unavailable(error) from error
        if withdrawn or self._is_waiting(request_id):
            raise NotRunning(f"the {self._name} did not take the request within {limit_s:g} s")
        raise NoAnswer(f"the {self._name} took the request and did not answer within {limit_s:g} s")

    def _put(self, request_id: str, request: bytes, limit_s: float) -> None:
        waiting = waiting_key(self._name)
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(request_key(self._name, request_id), request, px=max(1, round(limit_s * 1000)))
            pipeline.rpush(waiting, request_id)
            pipeline.ltrim(waiting, -MAX_WAITING, -1)
            pipeline.pexpire(waiting, FORGET_MS)
            pipeline.execute()

    def _wait(self, request_id: str, end: float) -> bytes | None:
        key = answer_key(self._name, request_id)
        while (left_s := end - time.monotonic()) > 0:
            # 0 would wait for ever.
            block_s = max(0.01, min(BLOCK_S, left_s))
            popped = cast("tuple[bytes, bytes] | None", self._redis.blpop([key], timeout=block_s))
            if popped is not None:
                if len(popped[1]) > MAX_ANSWER_BYTES:
                    raise NoAnswer(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
                return popped[1]
        return None

    def _is_waiting(self, request_id: str) -> bool:
        """Whether the id is still in the list: Redis forgot the request at about the time when its client gave up."""
        try:
            removed: Any = self._redis.lrem(waiting_key(self._name), 1, request_id)
        except redis.RedisError:
            return False
        return bool(removed)
