-- Store a schedule.
-- ARGV: id, the schedule in JSON, when it is due next ('': not at all), revision that is replaced ('': whichever,
--       0: there is none yet), how many there may be.
-- Returns 1: stored, 0: there is another revision, -1: there are too many.
local id, revision = ARGV[1], ARGV[4]
local present = redis.call('HGET', key_of(id), 'revision') or '0'
if revision ~= '' and revision ~= present then return 0 end
if present == '0' and redis.call('SCARD', KNOWN) >= tonumber(ARGV[5]) then return -1 end
-- One counter for all, so that a revision never comes again, not even when a schedule was removed in between.
redis.call('HSET', key_of(id), 'schedule', ARGV[2], 'revision', redis.call('INCR', REVISIONS))
redis.call('HDEL', key_of(id), 'problem', 'begun')
redis.call('SADD', KNOWN, id)
if ARGV[3] == '' then redis.call('ZREM', DUE, id) else redis.call('ZADD', DUE, ARGV[3], id) end
ring()
return 1
