-- Where jobs wait: for a worker, or for their time.

local function waiting_key(lane) return (BROKER and 'rider:waiting:' or 'rq:queue:') .. lane end
local function scheduled_key(lane) return 'rq:scheduled:' .. lane end

-- Let a job wait for a worker, behind the others or before them. `now` is when its ticket is published.
local function enqueue(job, now, before)
  if BROKER then
    redis.call('ZADD', waiting_key(job.lane), now, job.id)
  else
    redis.call(before and 'LPUSH' or 'RPUSH', waiting_key(job.lane), job.id)
  end
end

-- Take a job out of where it waits. True where it waited, in its queue or for its time. The newest are found first:
-- what is replaced was submitted just before.
local function leave(job)
  if job.status == QUEUED then
    if BROKER then redis.call('ZREM', waiting_key(job.lane), job.id)
    else redis.call('LREM', waiting_key(job.lane), '-1', job.id) end
  elseif job.status == SCHEDULED then
    redis.call('ZREM', scheduled_key(job.lane), job.id)
  else
    return false
  end
  return true
end

-- Put a job where it waits for its time. Whoever waits for work is woken, to learn of the new time.
local function schedule(job, due)
  redis.call('HSET', job_key(job.id), 'status', SCHEDULED, 'due_ts', due)
  redis.call('ZADD', scheduled_key(job.lane), due, job.id)
  if not BROKER then ring(job.queue) end
end

-- Move jobs whose time has come into their queue, 100 at most. Returns when the next one is due, or nil.
local function promote(lane, now)
  local registry = scheduled_key(lane)
  local next_due = redis.call('ZRANGE', registry, '0', '0', 'WITHSCORES')[2]
  if not next_due or tonumber(next_due) > now then return next_due end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', registry, '-inf', now, 'LIMIT', '0', '100')) do
    redis.call('ZREM', registry, id)
    if fields_of(id, 'status')[1] == SCHEDULED then
      redis.call('HSET', job_key(id), 'status', QUEUED)
      redis.call('RPUSH', 'rq:queue:' .. lane, id)
    end
  end
  return redis.call('ZRANGE', registry, '0', '0', 'WITHSCORES')[2]
end
