-- How an attempt ends, and how a job does.

-- Wake those who wait for jobs. They get the record, so that they need not ask for it, unless it is long.
local function wake(ids)
  local channels = {}
  for number, id in ipairs(ids) do channels[number] = 'rider:ended:' .. id end
  local listeners = redis.call('PUBSUB', 'NUMSUB', unpack(channels))
  for number, id in ipairs(ids) do
    if listeners[2 * number] > 0 then
      local fields, bytes = redis.call('HMGET', job_key(id), unpack(RECORD_FIELDS)), 0
      for _, field in ipairs(fields) do bytes = bytes + #(field or '') end
      redis.call('PUBLISH', channels[number], bytes <= MAX_TOLD_BYTES and cjson.encode(fields) or '')
    end
  end
end

-- A job has reached its end: put it where RQ looks for it, and wake whoever waits.
local function conclude(job, registry, ttl, now)
  redis.call('ZADD', 'rq:' .. registry .. ':' .. job.lane, now + ttl, job.id)
  redis.call('EXPIRE', job_key(job.id), ttl)
  if job.items > 0 then redis.call('EXPIRE', items_key(job.id), ttl) end
  wake({job.id})
end

-- End a job that never ran to its end: expired, replaced or cancelled. With a camera's frames most are replaced: they
-- do not push the others out of the list of recent jobs.
local function drop(job, outcome, now, iso)
  redis.call('HSET', job_key(job.id), 'status', CANCELED, 'outcome', outcome, 'ended_at', iso)
  if redis.call('HSTRLEN', job_key(job.id), 'data') > LONG_DATA_BYTES then forget_data(job.id) end
  conclude(job, 'canceled', RESULT_TTL_S, now)
  if outcome ~= 'replaced' then remember(job.id) end
  count(job.task, outcome)
  tell('job.' .. outcome, job, now, timestamp(now))
end

-- RQ's tools look here for what went wrong. `trace` is packed as RQ has it (`codec.packed_trace`).
local function results_key(id) return 'rq:results:' .. id end

local function leave_trace(id, trace)
  local key = results_key(id)
  redis.call('XADD', key, 'MAXLEN', '10', '*', 'type', '2', 'exc_string', trace)
  -- A stream gets 4 kB for entries that will not come; restored from its own dump, it has what it needs. A Redis may
  -- refuse either to its users.
  local restored = redis.pcall('RESTORE', key, DEAD_LETTER_TTL_S * 1000, redis.pcall('DUMP', key), 'REPLACE')
  if restored.err then redis.call('EXPIRE', key, DEAD_LETTER_TTL_S) end
end

local function bury(job, now, iso, problem, trace)
  -- No attempt is left, however many there were: where RQ's tools put it back, `take` sees that.
  redis.call('HSET', job_key(job.id), 'status', FAILED, 'outcome', FAILED, 'ended_at', iso, 'problem', problem,
    'attempts_more', job.attempts - job.max_attempts + (job.more or 0))
  leave_trace(job.id, trace)
  conclude(job, 'failed', DEAD_LETTER_TTL_S, now)
  remember(job.id)
  count(job.task, 'failed')
  local registry = 'rq:failed:' .. job.lane
  while redis.call('ZCARD', registry) > DEAD_LETTERS_KEPT do
    local oldest = redis.call('ZPOPMIN', registry)[1]
    redis.call('DEL', job_key(oldest), items_key(oldest), results_key(oldest))
  end
end

-- Nothing remains of how a job failed; it may be started `allowed` times more.
local function absolve(job, allowed)
  local key = job_key(job.id)
  redis.call('PERSIST', key)
  if job.items > 0 then redis.call('PERSIST', items_key(job.id)) end
  local before = finite(redis.call('HGET', key, 'attempts_more')) or 0
  redis.call('HSET', key, 'attempts_more', before + job.attempts + allowed - job.max_attempts)
  redis.call('HDEL', key, 'outcome', 'problem', 'exc_info', 'ended_at')
  redis.call('DEL', results_key(job.id))
  redis.call('LREM', 'rider:recent', 1, job.id)
end

-- How often a job was started without its last start, which does not count. One that was leased ahead was never counted.
local function uncounted(job) return job.started and job.attempts - 1 or job.attempts end

-- A job that its worker has not begun goes back to the front of its queue, and the attempt does not count. One that was
-- leased ahead was never counted as started, so it is no start that counts no more.
local function give_back(job, now)
  redis.call('HSET', job_key(job.id), 'status', QUEUED, 'attempts', uncounted(job))
  enqueue(job, now, true)
  if not BROKER then ring(job.queue) end
  if job.started then count(job.task, 'returned') end
end

-- A job that cannot be begun yet is due later, and the attempt does not count.
local function put_off(job, delay, now)
  redis.call('HSET', job_key(job.id), 'attempts', uncounted(job))
  schedule(job, now + delay)
  count(job.task, 'returned')
end

-- Give a started job another chance: after `delay` seconds, or at once and before all others where that is 0.
-- False where it has no attempt left, or where its deadline comes first.
local function try_again(job, delay, problem, now)
  if job.attempts >= job.max_attempts then return false end
  if job.deadline and now + delay >= job.deadline then return false end
  redis.call('HSET', job_key(job.id), 'problem', problem)
  if delay > 0 then
    schedule(job, now + delay)
  else
    redis.call('HSET', job_key(job.id), 'status', QUEUED)
    enqueue(job, now, true)
    if not BROKER then ring(job.queue) end
  end
  count(job.task, 'retried')
  local more = string.format(',"problem":%s,"delay_s":%.3f', problem, delay)
  tell('job.retried', job, now, timestamp(now), nil, more)
  return true
end
