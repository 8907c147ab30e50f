-- Extend the leases of running jobs. ARGV: worker, now, now as RQ writes it, lease in seconds, then for each job: id,
-- lane, execution. Returns for each 1, or 0 where its lease was lost.
local now, iso, lease, answers = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), {}
for index = 5, #ARGV, 3 do
  local id, wip, member = ARGV[index], 'rq:wip:' .. ARGV[index + 1], ARGV[index] .. ':' .. ARGV[index + 2]
  local held = redis.call('ZSCORE', wip, member)
  if held then
    redis.call('ZADD', wip, now + lease, member)
    redis.call('HSET', job_key(id), 'last_heartbeat', iso)
    redis.call('EXPIRE', 'rq:execution:' .. member, lease * 2)
  end
  answers[#answers + 1] = held and 1 or 0
end
redis.call('EXPIRE', 'rq:worker:' .. ARGV[1] .. ':executions', lease * 2)
return answers
