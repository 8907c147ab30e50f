-- Take back the jobs of workers that died, whose leases have run out: a job goes to the front of its queue, or, when it
-- was started and has no attempt left, to the dead letters. And take back those that a stock RQ program put away. Expired
-- entries of RQ's registries are removed, too.
-- Returns two lists of ids of jobs that wait again: of dead workers, and of stock RQ programs.

-- No lease is longer: it was written before the clock was set back. A worker that lives renews its leases.
local LONGEST_LEASE_S = 600
-- Delay in seconds of a job whose attempt a stock RQ program has lost.
local SHORTLY_S = 0.001

local function lost_for_good(job, now, rq_now, problem)
  dead_letter(job, now, rq_now, problem, LOST_TRACEBACK)
  emit('job.failed', job, now, timestamp(now), nil, ',"problem":' .. problem)
end

-- A stock RQ worker takes what it cannot run, and RQ's housekeeping what ours has yet to take back: both move it to the
-- failed registry for a year. Ours stay there for a week, so what expires later was put there by RQ.
local function recover_from_rq(lane, now, rq_now, lost)
  local ids, registry = {}, failed_key(lane)
  for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', registry, '+inf', now + 2 * DEAD_LETTER_TTL_S, 'LIMIT', 0, 100)) do
    local job = read(id, lane)
    if job.status == FAILED and job.task ~= '' then
      redis.call('ZREM', registry, id)
      if job.attempts > 0 and not retry(job, SHORTLY_S, lost, now) then
        lost_for_good(job, now, rq_now, lost)
      else
        if job.attempts == 0 then take_back(job, now) end
        redis.call('HDEL', job_key(id), 'exc_info', 'ended_at')
        redis.call('PERSIST', job_key(id))
        redis.call('DEL', results_key(id))
        ids[#ids + 1] = id
      end
    end
  end
  return ids
end

local function reap(now, rq_now, lost_json, lease_s, lanes)
  local time, again, recovered = tonumber(now), {}, {}
  for _, lane in ipairs(lanes) do
    for _, registry in ipairs({finished_key(lane), canceled_key(lane), failed_key(lane)}) do
      redis.call('ZREMRANGEBYSCORE', registry, '-inf', time)
    end
    for _, id in ipairs(recover_from_rq(lane, time, rq_now, lost_json)) do recovered[#recovered + 1] = id end
    local started = started_key(lane)
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', started, time + LONGEST_LEASE_S, '+inf', 'LIMIT', 0, 100)) do
      redis.call('ZADD', started, time + lease_s, member)
    end
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', started, '-inf', time, 'LIMIT', 0, 100)) do
      redis.call('ZREM', started, member)
      local id, execution = string.match(member, '^(.*):([^:]*)$')
      -- A member without a colon is no lease, neither ours nor RQ's.
      local job = id and read(id, lane) or {}
      if job.status == STARTED and job.execution == execution then
        if not job.started_ts then
          release_unstarted(job, time)
          again[#again + 1] = id
        else
          local problem = lost_problem(job, lost_json)
          if retry(job, 0, problem, time) then
            again[#again + 1] = id
          else
            lost_for_good(job, time, rq_now, problem)
          end
        end
      end
    end
  end
  return {again, recovered}
end
