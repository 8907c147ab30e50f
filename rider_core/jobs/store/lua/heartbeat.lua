-- Renew the leases of running jobs. Returns for each 1, or 0 where its lease was lost.
local function heartbeat(worker, now, rq_now, lease_s, leases)
  local lease_end, answers = tonumber(now) + tonumber(lease_s), {}
  for _, lease in ipairs(leases) do
    local started, member = started_key(lease.lane), lease.id .. ':' .. lease.execution
    local held = redis.call('ZSCORE', started, member)
    if held then
      redis.call('ZADD', started, lease_end, member)
      redis.call('HSET', job_key(lease.id), 'last_heartbeat', rq_now)
      redis.call('EXPIRE', execution_key(member), EXECUTION_TTL_S)
    end
    answers[#answers + 1] = held and 1 or 0
  end
  redis.call('EXPIRE', executions_key(worker), EXECUTION_TTL_S)
  return answers
end
