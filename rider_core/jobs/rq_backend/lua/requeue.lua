-- Take a dead letter back into its queue, with as many attempts as it had at first. A deadline that has passed is
-- dropped: somebody wants it to run. ARGV: id, now, attempts that its policy allows.
-- Returns 1, or 0 where it is no dead letter (any more).
local id, now, allowed = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local job = job_key(id)
local fields = redis.call('HMGET', job, 'status', 'origin', 'queue', 'attempts', 'deadline_ts')
if fields[1] ~= FAILED or redis.call('ZREM', 'rq:failed:' .. fields[2], id) == 0 then return 0 end
local attempts, deadline = tonumber(fields[4] or '0'), tonumber(fields[5] or '')
redis.call('PERSIST', job)
redis.call('HSET', job, 'status', QUEUED, 'max_attempts', attempts + allowed, 'retries_left', allowed - 1)
redis.call('HDEL', job, 'problem', 'exc_info', 'ended_at', 'ended_ts')
if deadline and deadline <= now then redis.call('HDEL', job, 'deadline_ts') end
redis.call('LREM', 'rider:recent', 1, id)
redis.call('RPUSH', 'rq:queue:' .. fields[2], id)
ring(fields[3])
tell('job.requeued', id, now)
return 1
