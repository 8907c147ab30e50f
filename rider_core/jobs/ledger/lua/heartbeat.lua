-- Extend the leases of running jobs. args: worker, now, now as RQ writes it, lease in seconds, then for each job: id,
-- lane, execution. Returns for each 1, or 0 where its lease was lost.
local function heartbeat(args)
  local now, iso, lease, answers = tonumber(args[2]), args[3], tonumber(args[4]), {}
  for index = 5, #args, 3 do
    local id, wip, member = args[index], wip_key(args[index + 1]), args[index] .. ':' .. args[index + 2]
    local held = redis.call('ZSCORE', wip, member)
    if held then
      redis.call('ZADD', wip, now + lease, member)
      redis.call('HSET', job_key(id), 'last_heartbeat', iso)
      redis.call('EXPIRE', 'rq:execution:' .. member, EXECUTION_TTL_S)
    end
    answers[#answers + 1] = held and 1 or 0
  end
  redis.call('EXPIRE', 'rq:worker:' .. args[1] .. ':executions', EXECUTION_TTL_S)
  return answers
end
