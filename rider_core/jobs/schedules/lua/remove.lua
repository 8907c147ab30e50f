-- Forget a schedule. ARGV: id. Returns 0 where there was none.
redis.call('DEL', key_of(ARGV[1]))
redis.call('ZREM', DUE, ARGV[1])
ring()
return redis.call('SREM', KNOWN, ARGV[1])
