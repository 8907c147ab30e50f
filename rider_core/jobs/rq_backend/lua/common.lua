-- What the other scripts share; put in front of each of them.
-- A job's hash is RQ's own (status, origin, attempts' traces), with a few fields of ours (see codec.py).

local SCHEDULED, QUEUED, STARTED = 'scheduled', 'queued', 'started'
local FINISHED, FAILED, CANCELED = 'finished', 'failed', 'canceled'

local function job_key(id) return 'rq:job:' .. id end

-- Tell the house, and whoever follows this job. `extra` is merged into the event's data.
local function tell(kind, id, now, extra)
  local job = job_key(id)
  local fields = redis.call('HMGET', job, 'task', 'queue', 'source', 'priority', 'attempts', 'stream', 'submitted_ts', 'started_ts')
  local data = {
    task = fields[1] or '', queue = fields[2] or '', origin = fields[3] or '', priority = fields[4] or '',
    attempts = tonumber(fields[5] or '0'),
  }
  local submitted, started = tonumber(fields[7] or ''), tonumber(fields[8] or '')
  if submitted and started then data.waited_ms = math.floor((started - submitted) * 1000 + 0.5) end
  if started and kind ~= 'job.started' then data.ran_ms = math.floor((now - started) * 1000 + 0.5) end
  for name, value in pairs(extra or {}) do data[name] = value end
  local event = cjson.encode({kind = kind, ts = now, source = data.worker or '', job_id = id, data = data})
  redis.call('XADD', 'rider:events', 'MAXLEN', '~', HOUSE_STREAM_LENGTH, '*', 'event', event)
  if fields[6] == '1' then
    local stream = 'rider:job:' .. id .. ':events'
    redis.call('XADD', stream, 'MAXLEN', JOB_STREAM_LENGTH, '*', 'event', event)
    redis.call('EXPIRE', stream, JOB_STREAM_TTL_S)
  end
end

-- A job that RQ's own tools put into a queue names none of our queues, and rings no bell.
local function ring(queue)
  if not queue then return end
  redis.call('XADD', 'rider:doorbell:' .. queue, 'MAXLEN', 1, '*', 'ring', 1)
end

-- A job has reached its end: put it where RQ looks for it, and wake whoever waits.
local function conclude(id, rq_queue, registry, ttl, now)
  redis.call('ZADD', 'rq:' .. registry .. ':' .. rq_queue, now + ttl, id)
  redis.call('EXPIRE', job_key(id), ttl)
  redis.call('LPUSH', 'rider:recent', id)
  redis.call('LTRIM', 'rider:recent', 0, RECENT_LENGTH - 1)
  redis.call('PUBLISH', 'rider:ended:' .. id, '1')
end

local function expire(id, rq_queue, now, iso)
  redis.call('HSET', job_key(id), 'status', CANCELED, 'outcome', 'expired', 'ended_at', iso, 'ended_ts', now)
  conclude(id, rq_queue, 'canceled', RESULT_TTL_S, now)
  tell('job.expired', id, now)
end

-- A newer job of the same key has come before this one could start.
local function replace(id, rq_queue, now, iso)
  redis.call('HSET', job_key(id), 'status', CANCELED, 'outcome', 'replaced', 'ended_at', iso, 'ended_ts', now)
  conclude(id, rq_queue, 'canceled', RESULT_TTL_S, now)
  tell('job.replaced', id, now)
end

local function newest_of(queue, key) return 'rider:newest:' .. queue .. ':' .. key end

-- Take a job out of where it waits. True where it waited, in its queue or for its time.
local function leave(id, status, rq_queue)
  if status == QUEUED then
    redis.call('LREM', 'rq:queue:' .. rq_queue, 1, id)
  elseif status == SCHEDULED then
    redis.call('ZREM', 'rq:scheduled:' .. rq_queue, id)
  else
    return false
  end
  return true
end

-- RQ's record of a worker, or nil where it is gone: to write into it then would leave a worker that never dies.
local function record_of(worker)
  local key = 'rq:worker:' .. worker
  return redis.call('EXISTS', key) == 1 and key or nil
end

-- End the lease of a running job. True where it was this execution's.
local function release(id, rq_queue, execution, worker)
  local member = id .. ':' .. execution
  if redis.call('ZREM', 'rq:wip:' .. rq_queue, member) == 0 then return false end
  redis.call('DEL', 'rq:execution:' .. member)
  redis.call('SREM', 'rq:worker:' .. worker .. ':executions', member)
  local record = record_of(worker)
  if record then
    redis.call('HSET', record, 'state', 'idle')
    redis.call('HDEL', record, 'current_job')
  end
  return true
end

local function bury(id, rq_queue, now, iso, problem)
  redis.call('HSET', job_key(id), 'status', FAILED, 'ended_at', iso, 'ended_ts', now, 'problem', problem)
  conclude(id, rq_queue, 'failed', DEAD_LETTER_TTL_S, now)
  local registry = 'rq:failed:' .. rq_queue
  while redis.call('ZCARD', registry) > DEAD_LETTERS_KEPT do
    redis.call('DEL', job_key(redis.call('ZPOPMIN', registry)[1]))
  end
end

-- Put a job where it waits for its time. Whoever waits for work is woken, to learn of the new time.
local function schedule(id, queue, rq_queue, due)
  redis.call('HSET', job_key(id), 'status', SCHEDULED, 'due_ts', due)
  redis.call('ZADD', 'rq:scheduled:' .. rq_queue, due, id)
  ring(queue)
end

-- Move jobs whose time has come into their queue, 100 at most. Returns when the next one is due, or nil.
local function promote(rq_queue, now)
  local registry = 'rq:scheduled:' .. rq_queue
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', registry, '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZREM', registry, id)
    if redis.call('HGET', job_key(id), 'status') == SCHEDULED then
      redis.call('HSET', job_key(id), 'status', QUEUED)
      redis.call('RPUSH', 'rq:queue:' .. rq_queue, id)
    end
  end
  return redis.call('ZRANGE', registry, 0, 0, 'WITHSCORES')[2]
end

-- Give a started job another chance: after `delay` seconds, or at once and before all others where that is 0.
-- False where it has no attempt left, or where its deadline comes first.
local function try_again(id, rq_queue, delay, problem, now)
  local job = job_key(id)
  local fields = redis.call('HMGET', job, 'attempts', 'max_attempts', 'queue', 'deadline_ts')
  if tonumber(fields[1] or '0') >= tonumber(fields[2] or '1') then return false end
  local deadline = tonumber(fields[4] or '')
  if deadline and now + delay >= deadline then return false end
  redis.call('HSET', job, 'problem', problem)
  if delay > 0 then
    schedule(id, fields[3], rq_queue, now + delay)
  else
    redis.call('HSET', job, 'status', QUEUED)
    redis.call('LPUSH', 'rq:queue:' .. rq_queue, id)
    ring(fields[3])
  end
  tell('job.retried', id, now, {problem = cjson.decode(problem), delay_s = delay})
  return true
end
