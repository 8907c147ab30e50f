-- Extend the leases of running jobs. ARGV: now, now as RQ writes it, lease in seconds, then for each job: id, lane,
-- execution. Returns for each 1, or 0 where its lease was lost.
local now, iso, lease, answers = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), {}
for index = 4, #ARGV, 3 do
  local id, wip, member = ARGV[index], 'rq:wip:' .. ARGV[index + 1], ARGV[index] .. ':' .. ARGV[index + 2]
  local held = redis.call('ZSCORE', wip, member)
  if held then
    redis.call('ZADD', wip, now + lease, member)
    redis.call('HSET', 'rq:execution:' .. member, 'last_heartbeat', now)
    redis.call('EXPIRE', 'rq:execution:' .. member, lease * 2)
    redis.call('HSET', job_key(id), 'last_heartbeat', iso)
  end
  answers[#answers + 1] = held and 1 or 0
end
return answers
