-- Take back the jobs of workers that died, whose leases have run out: a job goes to the front of its queue, or, when it
-- was started and has no attempt left, to the dead letters. And those that a program of others put away. What RQ's
-- registries say of jobs that are long forgotten is swept out, too.
-- args: now, now as RQ writes it, problem in JSON, how many seconds a lease has, then the lanes.
-- Returns the ids of those that wait again: of dead workers, and of others.
-- No lease lasts so long: the clock was set back after it began. A worker that lives renews its leases.
local NO_LEASE_S = 600
-- After so many seconds, an attempt that is lost with them is due.
local SHORTLY_S = 0.001

-- In RQ's list a worker that waits there would have it again before anybody else. What is due is taken by ours alone.
local function wait_again(job, now)
  if BROKER then
    redis.call('HSET', job_key(job.id), 'status', QUEUED)
    enqueue(job, now)
  else
    schedule(job, now)
  end
end

-- RQ's own worker takes what it cannot run, and its housekeeping what ours has yet to take back: both put it away as
-- failed, for a year. Ours are kept for a week, so whatever stays longer was put there by RQ.
local function regain(lane, now, iso, lost)
  local ids, registry = {}, 'rq:failed:' .. lane
  for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', registry, '+inf', now + 2 * DEAD_LETTER_TTL_S, 'LIMIT', 0, 100)) do
    local job = read(id, lane)
    if job.status == FAILED and job.task ~= '' then
      redis.call('ZREM', registry, id)
      if job.attempts > 0 and not try_again(job, SHORTLY_S, lost, now) then
        bury(job, now, iso, lost, LOST_TRACE)
        tell('job.failed', job, now, timestamp(now), nil, ',"problem":' .. lost)
      else
        if job.attempts == 0 then wait_again(job, now) end
        redis.call('HDEL', job_key(id), 'exc_info', 'ended_at')
        redis.call('PERSIST', job_key(id))
        redis.call('DEL', results_key(id))
        ids[#ids + 1] = id
      end
    end
  end
  return ids
end

local function reap(args)
  local now, iso, problem, lease = tonumber(args[1]), args[2], args[3], tonumber(args[4])
  local again, regained = {}, {}
  for index = 5, #args do
    local lane = args[index]
    for _, registry in ipairs({'finished', 'canceled', 'failed'}) do
      redis.call('ZREMRANGEBYSCORE', 'rq:' .. registry .. ':' .. lane, '-inf', now)
    end
    for _, id in ipairs(regain(lane, now, iso, problem)) do regained[#regained + 1] = id end
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', wip_key(lane), now + NO_LEASE_S, '+inf', 'LIMIT', 0, 100)) do
      redis.call('ZADD', wip_key(lane), now + lease, member)
    end
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', wip_key(lane), '-inf', now, 'LIMIT', 0, 100)) do
      redis.call('ZREM', wip_key(lane), member)
      local id, execution = string.match(member, '^(.*):([^:]*)$')
      -- What has no colon is no lease of ours, nor RQ's.
      local job = id and read(id, lane) or {}
      if job.status == STARTED and job.execution == execution then
        if not job.started then
          give_back(job, now)
          again[#again + 1] = id
        else
          local lost = lost_with(job, problem)
          if try_again(job, 0, lost, now) then
            again[#again + 1] = id
          else
            bury(job, now, iso, lost, LOST_TRACE)
            tell('job.failed', job, now, timestamp(now), nil, ',"problem":' .. lost)
          end
        end
      end
    end
  end
  return {again, regained}
end
