-- Extend the lease of a running job. ARGV: id, RQ's queue, execution, now, now as RQ writes it, lease in seconds.
-- Returns 1, or 0 where the lease was lost.
local id, rq_queue, execution, now, iso, lease = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local member = id .. ':' .. execution
if not redis.call('ZSCORE', 'rq:wip:' .. rq_queue, member) then return 0 end
redis.call('ZADD', 'rq:wip:' .. rq_queue, now + lease, member)
redis.call('HSET', 'rq:execution:' .. member, 'last_heartbeat', now)
redis.call('EXPIRE', 'rq:execution:' .. member, lease * 2)
redis.call('HSET', job_key(id), 'last_heartbeat', iso)
return 1
