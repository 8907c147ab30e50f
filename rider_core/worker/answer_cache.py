"""Answers that language models gave, kept in Redis for whoever asks the same again. Bounded by age and by size."""

from __future__ import annotations

import hashlib
import json
import logging
import time

import redis

from rider_core.api.messages import parse_json
from rider_core.api.text_generation import GeneratedText, GenerateRequest, TextGenerator
from rider_core.errors import InvalidInput
from rider_core.metrics import ANSWER_CACHE

log = logging.getLogger(__name__)

#: An answer's own key; the digests by the time of their last use; their sizes; and the sum of these.
ENTRY, USED, SIZES, TOTAL = "rider:answer:", "rider:answers", "rider:answers:sizes", "rider:answers:bytes"
#: What Redis spends on an entry beside its text, in bytes: three keys of some 80, and the places in three tables.
OVERHEAD_BYTES = 400
#: A change in what is kept, or in what an answer depends on, must not meet entries from before.
FORM = 1

#: Store an entry, then let go of those that nobody has used for the longest time until all fit.
_KEEP = """
local entry, used, sizes, total = unpack(KEYS)
local digest, text, now, age_s, limit, overhead = unpack(ARGV)
local function forget(name)
  redis.call('INCRBY', total, -(tonumber(redis.call('HGET', sizes, name)) or 0))
  redis.call('HDEL', sizes, name)
  redis.call('ZREM', used, name)
end
forget(digest)
local size = #text + tonumber(overhead)
redis.call('SET', entry .. digest, text, 'EX', age_s)
redis.call('ZADD', used, now, digest)
redis.call('HSET', sizes, digest, size)
local sum = redis.call('INCRBY', total, size)
local gone = 0
while sum > tonumber(limit) do
  local oldest = redis.call('ZRANGE', used, 0, 0)[1]
  if not oldest then break end
  redis.call('DEL', entry .. oldest)
  forget(oldest)
  sum = tonumber(redis.call('GET', total))
  gone = gone + 1
end
return gone
"""


class AnswerCache:
    """All workers share it. That Redis is away is a miss: whoever asks gets an answer, and the job's own way tells."""

    def __init__(self, connection: redis.Redis, limit_bytes: int, age_s: int) -> None:
        """
        Args:
            limit_bytes: Of all entries together; 0: nothing is kept.
            age_s: An answer is forgotten so many seconds after it was given.
        """
        self._redis = connection
        self._limit_bytes = limit_bytes
        self._age_s = age_s
        self._keep = connection.register_script(_KEEP)

    def wants(self, request: GenerateRequest) -> bool:
        """Whether an answer to `request` may be kept, or may be one that was."""
        return bool(self._limit_bytes) and (request.deterministic if request.cache is None else request.cache)

    def find(self, digest: str) -> GeneratedText | None:
        """The answer under that digest; None: there is none."""
        try:
            text = self._redis.get(ENTRY + digest)
            if text is not None:
                self._redis.zadd(USED, {digest: time.time()}, xx=True)
        except redis.RedisError as error:
            self._failed(error)
            return None
        answer = _parsed(text) if isinstance(text, bytes) else None
        ANSWER_CACHE.labels("miss" if answer is None else "hit").inc()
        return answer

    def keep(self, digest: str, answer: GeneratedText) -> None:
        """Remember an answer, at the cost of those that were used last."""
        text = answer.model_dump_json()
        if len(text) + OVERHEAD_BYTES > self._limit_bytes:
            return
        arguments: list[str | float] = [digest, text, time.time(), self._age_s, self._limit_bytes, OVERHEAD_BYTES]
        try:
            gone = self._keep(keys=[ENTRY, USED, SIZES, TOTAL], args=arguments)
        except redis.RedisError as error:
            self._failed(error)
            return
        ANSWER_CACHE.labels("stored").inc()
        ANSWER_CACHE.labels("evicted").inc(int(gone))

    @staticmethod
    def _failed(error: redis.RedisError) -> None:
        ANSWER_CACHE.labels("error").inc()
        log.warning("the cache of answers cannot be used: %s", error)


def digest_of(provider: TextGenerator, request: GenerateRequest) -> str:
    """What an answer depends on, as a SHA-256: the engine, its settings and model, the conversation, every option."""
    options = request.model_dump(mode="json", exclude={"cache", "preset", "language", "model"})
    settings = provider.config.model_dump(mode="json") if provider.config is not None else None
    asked = [FORM, provider.name, provider.model_identity(request), settings, options]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _parsed(text: bytes) -> GeneratedText | None:
    """An entry that is none of ours, or damaged, is no answer."""
    try:
        return parse_json(GeneratedText, text)
    except InvalidInput as error:
        log.warning("an entry of the cache of answers is damaged: %s", error)
        return None
