-- End a job that waits, in its queue or for its time. ARGV: id, now, now as RQ writes it. Returns 1, or 0 where it was not waiting.
local id, now, iso = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local fields = redis.call('HMGET', job_key(id), 'status', 'origin')
if fields[1] == QUEUED then
  redis.call('LREM', 'rq:queue:' .. fields[2], 1, id)
elseif fields[1] == SCHEDULED then
  redis.call('ZREM', 'rq:scheduled:' .. fields[2], id)
else
  return 0
end
redis.call('HSET', job_key(id), 'status', CANCELED, 'outcome', 'cancelled', 'ended_at', iso, 'ended_ts', now)
conclude(id, fields[2], 'canceled', RESULT_TTL_S, now)
tell('job.cancelled', id, now)
return 1
