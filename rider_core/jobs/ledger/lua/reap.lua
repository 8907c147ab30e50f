-- Take back the jobs of workers that died: their leases have run out. A job goes to the front of its queue, or, when it
-- was started and has no attempt left, to the dead letters. What RQ's registries say of jobs that are long forgotten is swept out, too.
-- args: now, now as RQ writes it, problem in JSON, how many seconds a lease has, then the lanes.
-- Returns the ids of those that wait again.
-- No lease lasts so long: the clock was set back after it began. A worker that lives renews its leases.
local NO_LEASE_S = 600

local function reap(args)
  local now, iso, problem, lease = tonumber(args[1]), args[2], args[3], tonumber(args[4])
  local again = {}
  for index = 5, #args do
    local lane = args[index]
    for _, registry in ipairs({'finished', 'canceled', 'failed'}) do
      redis.call('ZREMRANGEBYSCORE', 'rq:' .. registry .. ':' .. lane, '-inf', now)
    end
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', wip_key(lane), now + NO_LEASE_S, '+inf', 'LIMIT', 0, 100)) do
      redis.call('ZADD', wip_key(lane), now + lease, member)
    end
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', wip_key(lane), '-inf', now, 'LIMIT', 0, 100)) do
      redis.call('ZREM', wip_key(lane), member)
      local id, execution = string.match(member, '^(.*):([^:]*)$')
      local job = read(id, lane)
      if job.status == STARTED and job.execution == execution then
        if not job.started then
          give_back(job, now)
          again[#again + 1] = id
        else
          local lost = lost_with(job, problem)
          if try_again(job, 0, lost, now) then
            again[#again + 1] = id
          else
            bury(job, now, iso, lost)
            tell('job.failed', job, now, timestamp(now), nil, ',"problem":' .. lost)
          end
        end
      end
    end
  end
  return again
end
