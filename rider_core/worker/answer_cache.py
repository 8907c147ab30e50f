"""A cache of language models' answers in Redis, for deterministic requests. Bounded by age and by size."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import redis

from rider_core.api.messages import parse_json
from rider_core.api.text_generation import GeneratedText, GenerateRequest, TextGenerator
from rider_core.errors import InvalidInput
from rider_core.metrics import ANSWER_CACHE, ANSWER_CACHE_BYTES, ANSWER_CACHE_LIMIT
from rider_core.redis_functions import ConnectionPool, Function, Key, Library, Signature

log = logging.getLogger(__name__)

answer_key = Key("answer_key", "rider:answer:{digest}", "string", "`answer_cache_age_s`", "an answer, in JSON")
answers_used_key = Key("answers_used_key", "rider:answers:used", "sorted set", "kept", "digests by their last use")
answer_sizes_key = Key("answer_sizes_key", "rider:answers:sizes", "hash", "kept", "bytes of each answer")
answers_size_key = Key("answers_size_key", "rider:answers:bytes", "string", "kept", "bytes of all answers")
KEYS = (answer_key, answers_used_key, answer_sizes_key, answers_size_key)
#: Memory that Redis needs for an entry besides its text, in bytes: three keys of 80, and the places in three tables.
OVERHEAD_BYTES = 400
#: Part of the digest: entries of an older form are not found.
FORM = 1


class KeepHead(NamedTuple):
    """
    Attributes:
        limit: Maximum size of all entries together, in bytes.
        overhead: `OVERHEAD_BYTES`.
    """

    digest: str
    answer: str
    now: float
    age_s: int
    limit: int
    overhead: int


KEEP_ANSWER = Signature("keep_answer", KeepHead)


@cache
def answer_library() -> Library:
    source = (files(__package__) / "lua" / "keep_answer.lua").read_text()
    return Library.build("rider_answers", "".join(key.to_lua() for key in KEYS), [source], [KEEP_ANSWER])


class AnswerCache:
    """All workers share it. While Redis is away, every request is a miss."""

    def __init__(self, connection: redis.Redis, limit_bytes: int, age_s: int) -> None:
        """
        Args:
            limit_bytes: Maximum size of all entries together; 0: the cache is off.
            age_s: Lifetime of an answer, in seconds.
        """
        self._redis = connection
        self._limit_bytes = limit_bytes
        self._age_s = age_s
        self._keep = Function(ConnectionPool(connection), answer_library(), KEEP_ANSWER)

    def wants(self, request: GenerateRequest) -> bool:
        """Whether the cache is to be used for `request`."""
        return bool(self._limit_bytes) and (request.deterministic if request.cache is None else request.cache)

    def find(self, digest: str) -> GeneratedText | None:
        """The answer under that digest; None: there is none."""
        try:
            text = self._redis.get(answer_key(digest))
            if text is not None:
                self._redis.zadd(answers_used_key(), {digest: time.time()}, xx=True)
        except redis.RedisError as error:
            self._failed(error)
            return None
        answer = _parsed(text) if isinstance(text, bytes) else None
        ANSWER_CACHE.labels("miss" if answer is None else "hit").inc()
        return answer

    def keep(self, digest: str, answer: GeneratedText) -> None:
        """Store an answer; the least recently used ones make room."""
        text = answer.model_dump_json()
        if len(text) + OVERHEAD_BYTES > self._limit_bytes:
            return
        head = KeepHead(digest, text, time.time(), self._age_s, self._limit_bytes, OVERHEAD_BYTES)
        try:
            evicted = self._keep(head)
        except redis.RedisError as error:
            self._failed(error)
            return
        ANSWER_CACHE.labels("stored").inc()
        ANSWER_CACHE.labels("evicted").inc(int(evicted))

    def measure(self) -> None:
        """Set the gauges of its size. Raises `redis.RedisError`."""
        if self._limit_bytes:
            ANSWER_CACHE_LIMIT.set(self._limit_bytes)
            size = self._redis.get(answers_size_key())
            ANSWER_CACHE_BYTES.set(int(size) if isinstance(size, bytes) and size.isdigit() else 0)

    @staticmethod
    def _failed(error: redis.RedisError) -> None:
        ANSWER_CACHE.labels("error").inc()
        log.warning("the cache of answers cannot be used: %s", error)


def digest_of(provider: TextGenerator, request: GenerateRequest) -> str:
    """SHA-256 of all that an answer depends on: the engine, its settings and model, the conversation, every option."""
    options = request.model_dump(mode="json", exclude={"cache", "preset", "language", "model"})
    settings = provider.config.model_dump(mode="json") if provider.config is not None else None
    parts = [FORM, provider.name, provider.model_identity(request), settings, options]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _parsed(text: bytes) -> GeneratedText | None:
    """The answer in an entry; None: the entry is damaged, or another program's."""
    try:
        return parse_json(GeneratedText, text)
    except InvalidInput as error:
        log.warning("an entry of the cache of answers is damaged: %s", error)
        return None
