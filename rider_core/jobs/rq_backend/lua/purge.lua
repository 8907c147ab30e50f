-- Forget a dead letter. ARGV: id. Returns 1, or 0 where it is none.
local id = ARGV[1]
local fields = redis.call('HMGET', job_key(id), 'status', 'origin')
if fields[1] ~= FAILED or redis.call('ZREM', 'rq:failed:' .. fields[2], id) == 0 then return 0 end
redis.call('DEL', job_key(id))
redis.call('LREM', 'rider:recent', 1, id)
return 1
