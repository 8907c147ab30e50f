-- Store an entry of the answer cache, then evict the least recently used ones until all fit. Returns the number of evicted
-- entries.

local function forget(digest)
  redis.call('INCRBY', answers_size_key, -(tonumber(redis.call('HGET', answer_sizes_key, digest)) or 0))
  redis.call('HDEL', answer_sizes_key, digest)
  redis.call('ZREM', answers_used_key, digest)
end

local function keep_answer(digest, answer, now, age_s, limit, overhead)
  forget(digest)
  local size = #answer + tonumber(overhead)
  redis.call('SET', answer_key(digest), answer, 'EX', age_s)
  redis.call('ZADD', answers_used_key, now, digest)
  redis.call('HSET', answer_sizes_key, digest, size)
  local sum, evicted = redis.call('INCRBY', answers_size_key, size), 0
  while sum > tonumber(limit) do
    local oldest = redis.call('ZRANGE', answers_used_key, 0, 0)[1]
    if not oldest then break end
    redis.call('DEL', answer_key(oldest))
    forget(oldest)
    sum = tonumber(redis.call('GET', answers_size_key))
    evicted = evicted + 1
  end
  return evicted
end
