-- How an attempt ends, and how a job does.

-- Wake those who wait for jobs. The message has the record, so that they need not ask for it, unless it is long.
local function notify_waiters(ids)
  local channels = {}
  for number, id in ipairs(ids) do channels[number] = ended_channel(id) end
  local listeners = redis.call('PUBSUB', 'NUMSUB', unpack(channels))
  for number, id in ipairs(ids) do
    if listeners[2 * number] > 0 then
      local fields, bytes = redis.call('HMGET', job_key(id), unpack(RECORD_FIELDS)), 0
      for _, field in ipairs(fields) do bytes = bytes + #(field or '') end
      redis.call('PUBLISH', channels[number], bytes <= MAX_NOTIFIED_BYTES and cjson.encode(fields) or '')
    end
  end
end

-- Take a job out of where it waits, in its queue or for its time. False where it does not wait.
local function remove_waiting(job)
  if job.status == QUEUED then
    remove_queued(job)
  elseif job.status == SCHEDULED then
    redis.call('ZREM', scheduled_key(job.lane), job.id)
  else
    return false
  end
  return true
end

-- A job has reached its end: add it to RQ's registry, and notify those who wait for it.
local function archive(job, registry, ttl, now)
  redis.call('ZADD', registry, now + ttl, job.id)
  redis.call('EXPIRE', job_key(job.id), ttl)
  if job.items > 0 then redis.call('EXPIRE', items_key(job.id), ttl) end
  notify_waiters({job.id})
end

-- End a job that is not run to its end: expired, replaced or cancelled. Most frames of a camera are replaced: they do not
-- push other jobs out of the list of recent ones.
local function discard(job, outcome, now, rq_now)
  redis.call('HSET', job_key(job.id), 'status', CANCELED, 'outcome', outcome, 'ended_at', rq_now)
  if redis.call('HSTRLEN', job_key(job.id), 'data') > LONG_DATA_BYTES then clear_data(job.id) end
  archive(job, canceled_key(job.lane), RESULT_TTL_S, now)
  if outcome ~= 'replaced' then record_recent(job.id) end
  count(job.task, outcome)
  emit('job.' .. outcome, job, now, timestamp(now))
end

-- Save a traceback, packed as RQ's tools read it (`rq_format.packed_traceback`).
local function save_traceback(id, packed)
  local key = results_key(id)
  redis.call('XADD', key, 'MAXLEN', '10', '*', 'type', '2', 'exc_string', packed)
  -- A stream reserves 4 kB for further entries; restored from its own dump, it has what it needs. A Redis may refuse
  -- either command to its users.
  local restored = redis.pcall('RESTORE', key, DEAD_LETTER_TTL_S * 1000, redis.pcall('DUMP', key), 'REPLACE')
  if restored.err then redis.call('EXPIRE', key, DEAD_LETTER_TTL_S) end
end

local function dead_letter(job, now, rq_now, problem, packed_traceback)
  -- No attempt is left, however many there were: `dequeue` sees that, should RQ's tools put it back.
  redis.call('HSET', job_key(job.id), 'status', FAILED, 'outcome', FAILED, 'ended_at', rq_now, 'problem', problem,
    'extra_attempts', job.attempts - job.max_attempts + (job.extra_attempts or 0))
  save_traceback(job.id, packed_traceback)
  local registry = failed_key(job.lane)
  archive(job, registry, DEAD_LETTER_TTL_S, now)
  record_recent(job.id)
  count(job.task, 'failed')
  while redis.call('ZCARD', registry) > DEAD_LETTERS_KEPT do
    local oldest = redis.call('ZPOPMIN', registry)[1]
    redis.call('DEL', job_key(oldest), items_key(oldest), results_key(oldest))
  end
end

-- Forget how a job failed; it may be started `allowed` times more.
local function reset_attempts(job, allowed)
  local key = job_key(job.id)
  redis.call('PERSIST', key)
  if job.items > 0 then redis.call('PERSIST', items_key(job.id)) end
  local before = finite(redis.call('HGET', key, 'extra_attempts')) or 0
  redis.call('HSET', key, 'extra_attempts', before + job.attempts + allowed - job.max_attempts)
  redis.call('HDEL', key, 'outcome', 'problem', 'exc_info', 'ended_at')
  redis.call('DEL', results_key(job.id))
  redis.call('LREM', recent_key, 1, job.id)
end

-- The number of attempts without the present one. A prefetched job was never counted as started.
local function attempts_before(job) return job.started_ts and job.attempts - 1 or job.attempts end

-- A job that its worker has not started goes back to the front of its queue, and the attempt does not count.
local function release_unstarted(job, now)
  redis.call('HSET', job_key(job.id), 'status', QUEUED, 'attempts', attempts_before(job))
  prepend(job, now)
  if job.started_ts then count(job.task, 'returned') end
end

-- A job that cannot be started yet is due later, and the attempt does not count.
local function postpone(job, delay, now)
  redis.call('HSET', job_key(job.id), 'attempts', attempts_before(job))
  schedule(job, now + delay)
  count(job.task, 'returned')
end

-- Give a started job another attempt: after `delay` seconds, or where that is 0 at once and before all others.
-- False where it has no attempt left, or where its deadline comes first.
local function retry(job, delay, problem, now)
  if job.attempts >= job.max_attempts then return false end
  if job.deadline_ts and now + delay >= job.deadline_ts then return false end
  redis.call('HSET', job_key(job.id), 'problem', problem)
  if delay > 0 then
    schedule(job, now + delay)
  else
    redis.call('HSET', job_key(job.id), 'status', QUEUED)
    prepend(job, now)
  end
  count(job.task, 'retried')
  local more = string.format(',"problem":%s,"delay_s":%.3f', problem, delay)
  emit('job.retried', job, now, timestamp(now), nil, more)
  return true
end
