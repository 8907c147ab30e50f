-- What the other scripts share; put in front of each of them.
-- A job's hash is RQ's own (status, origin, attempts' traces), with a few fields of ours (see codec.py).
-- BROKER is true where a message broker carries the jobs: what waits then stands in a sorted set, not in RQ's list,
-- and whoever called the script publishes.

local SCHEDULED, QUEUED, STARTED = 'scheduled', 'queued', 'started'
local FINISHED, FAILED, CANCELED = 'finished', 'failed', 'canceled'

local function job_key(id) return 'rq:job:' .. id end
local function items_key(id) return 'rider:items:' .. id end
local function newest_of(queue, key) return 'rider:newest:' .. queue .. ':' .. key end

local ABOUT = '^' .. string.rep('([^|]*)|', 9) .. '(.*)$'

-- Fill in what `codec.about` wrote. A job that RQ's own tools made has none of it.
local function take_apart(job, about)
  local task, queue, priority, stream, max_attempts, submitted, deadline, key, items, source = string.match(about or '', ABOUT)
  job.task, job.queue, job.priority, job.source = task or '', queue, priority or '', source or ''
  job.stream = stream == '1'
  job.max_attempts = tonumber(max_attempts or '') or 1
  job.submitted, job.deadline = tonumber(submitted or ''), tonumber(deadline or '')
  job.newest_key = key ~= '' and key or nil
  job.items = tonumber(items or '') or 0
  return job
end

-- A job as a table. `status` is false where there is none. `data` may be long: it is read where it is wanted.
local function read(id, with_data)
  local fields = redis.call('HMGET', job_key(id), 'status', 'origin', 'about', 'attempts', 'execution', 'worker_name',
    'started_ts', 'attempts_more', 'due_ts', with_data and 'data' or 'due_ts')
  local job = {id = id, status = fields[1], lane = fields[2], about = fields[3], attempts = tonumber(fields[4] or '0'),
    execution = fields[5], worker = fields[6], started = tonumber(fields[7] or ''), due = tonumber(fields[9] or ''),
    data = fields[10]}
  take_apart(job, fields[3])
  -- Somebody requeued it: it may be started that often once more, whatever its deadline was.
  job.max_attempts = job.max_attempts + tonumber(fields[8] or '0')
  if fields[8] then job.deadline = nil end
  return job
end

-- Counters and histograms of each task, and the jobs that ended. They are written once for a whole script: call
-- `write_figures` at its end.
local figures, ended = {}, {}
local function remember(job) ended[#ended + 1] = job.id end

local function count(job, name, amount)
  local task = job.task ~= '' and job.task or 'unknown'
  local of_task = figures[task] or {}
  figures[task] = of_task
  of_task[name] = (of_task[name] or 0) + (amount or 1)
end

local function observe(job, name, seconds)
  local ms, bucket = math.max(0, seconds * 1000), 'inf'
  for _, bound in ipairs(BUCKETS_MS) do
    if ms <= bound then bucket = bound break end
  end
  count(job, name .. ':' .. bucket)
  count(job, name .. ':us', math.floor(ms * 1000 + 0.5))
end

local function write_figures()
  if #ended > 0 then
    redis.call('LPUSH', 'rider:recent', unpack(ended))
    redis.call('LTRIM', 'rider:recent', 0, RECENT_LENGTH - 1)
  end
  for task, of_task in pairs(figures) do
    for name, amount in pairs(of_task) do redis.call('HINCRBY', 'rider:figures:' .. task, name, amount) end
  end
end

-- The same as `cjson.encode` of a table, put together by hand: three events for each job are much of what a job costs.
local EVENT = '{"kind":"%s","ts":%.6f,"source":%s,"job_id":"%s","data":{"task":"%s","queue":"%s","origin":%s,' ..
  '"priority":"%s","attempts":%d%s}}'

-- Tell the house, and whoever follows this job. `extra` is added to the event's data: name to what it is in JSON.
local function tell(kind, job, now, extra)
  extra = extra or {}
  local more = ''
  if job.items > 0 then more = ',"items":' .. job.items end
  if job.submitted and job.started then
    more = more .. string.format(',"waited_ms":%.0f', (job.started - job.submitted) * 1000)
  end
  if job.started and kind ~= 'job.started' then
    more = more .. string.format(',"ran_ms":%.0f', (now - job.started) * 1000)
  end
  for name, json in pairs(extra) do more = more .. ',"' .. name .. '":' .. json end
  local source = job.source == '' and '""' or cjson.encode(job.source)
  local event = string.format(EVENT, kind, now, extra.worker or '""', job.id, job.task, job.queue or '', source,
    job.priority, job.attempts, more)
  redis.call('XADD', 'rider:events', 'MAXLEN', '~', HOUSE_STREAM_LENGTH, '*', 'event', event)
  if job.stream then
    local stream = 'rider:job:' .. job.id .. ':events'
    redis.call('XADD', stream, 'MAXLEN', JOB_STREAM_LENGTH, '*', 'event', event)
    redis.call('EXPIRE', stream, JOB_STREAM_TTL_S)
  end
end

-- A job that RQ's own tools put into a queue names none of our queues, and rings no bell.
local function ring(queue)
  if queue then redis.call('XADD', 'rider:doorbell:' .. queue, 'MAXLEN', 1, '*', 'ring', 1) end
end

local function waiting_key(lane) return (BROKER and 'rider:waiting:' or 'rq:queue:') .. lane end

local function waiting_in(lane)
  local now = redis.call(BROKER and 'ZCARD' or 'LLEN', waiting_key(lane))
  return now + redis.call('ZCARD', 'rq:scheduled:' .. lane)
end

-- Let a job wait for a worker, behind the others or before them. `now` is when its ticket is published. Returns how
-- many wait, where RQ's list says it.
local function enqueue(job, now, before)
  if BROKER then
    redis.call('ZADD', waiting_key(job.lane), now, job.id)
  else
    return redis.call(before and 'LPUSH' or 'RPUSH', waiting_key(job.lane), job.id)
  end
end

-- Take a job out of where it waits. True where it waited, in its queue or for its time. The newest are found first:
-- what is replaced was submitted just before.
local function leave(job)
  if job.status == QUEUED then
    if BROKER then redis.call('ZREM', waiting_key(job.lane), job.id)
    else redis.call('LREM', waiting_key(job.lane), -1, job.id) end
  elseif job.status == SCHEDULED then
    redis.call('ZREM', 'rq:scheduled:' .. job.lane, job.id)
  else
    return false
  end
  return true
end

-- A job has reached its end: put it where RQ looks for it, and wake whoever waits.
local function conclude(job, registry, ttl, now)
  redis.call('ZADD', 'rq:' .. registry .. ':' .. job.lane, now + ttl, job.id)
  redis.call('EXPIRE', job_key(job.id), ttl)
  if job.items > 0 then redis.call('EXPIRE', items_key(job.id), ttl) end
  redis.call('PUBLISH', 'rider:ended:' .. job.id, '1')
end

-- End a job that never ran to its end: expired, replaced or cancelled. With a camera's frames most are replaced: they
-- do not push the others out of the list of recent jobs.
local function drop(job, outcome, now, iso)
  redis.call('HSET', job_key(job.id), 'status', CANCELED, 'outcome', outcome, 'ended_at', iso, 'ended_ts', now)
  conclude(job, 'canceled', RESULT_TTL_S, now)
  if outcome ~= 'replaced' then remember(job) end
  count(job, outcome)
  tell('job.' .. outcome, job, now)
end

-- RQ's record of a worker, or nil where it is gone: to write into it then would leave a worker that never dies.
local function record_of(worker)
  local key = 'rq:worker:' .. worker
  return redis.call('EXISTS', key) == 1 and key or nil
end

-- End the lease of a running job. True where it was this execution's.
local function release(job, execution)
  return redis.call('ZREM', 'rq:wip:' .. job.lane, job.id .. ':' .. execution) == 1
end

-- RQ's record of a worker says what it works on, with an execution; of several jobs taken together that is the first.
local function at_work(worker, job, execution, now, lease)
  local record = record_of(worker)
  if not record then return end
  redis.call('HSET', record, 'state', 'busy')
  local member, executions = job.id .. ':' .. execution, record .. ':executions'
  redis.call('HSET', 'rq:execution:' .. member, 'id', execution, 'job_id', job.id, 'created_at', now,
    'last_heartbeat', now, 'worker_name', worker)
  redis.call('EXPIRE', 'rq:execution:' .. member, lease * 2)
  redis.call('SADD', executions, member)
  redis.call('EXPIRE', executions, lease * 2)
end

local function at_rest(record)
  redis.call('HSET', record, 'state', 'idle')
  for _, member in ipairs(redis.call('SMEMBERS', record .. ':executions')) do
    redis.call('DEL', 'rq:execution:' .. member)
  end
  redis.call('DEL', record .. ':executions')
end

local function bury(job, now, iso, problem)
  redis.call('HSET', job_key(job.id), 'status', FAILED, 'ended_at', iso, 'ended_ts', now, 'problem', problem)
  conclude(job, 'failed', DEAD_LETTER_TTL_S, now)
  remember(job)
  count(job, 'failed')
  local registry = 'rq:failed:' .. job.lane
  while redis.call('ZCARD', registry) > DEAD_LETTERS_KEPT do
    local oldest = redis.call('ZPOPMIN', registry)[1]
    redis.call('DEL', job_key(oldest), items_key(oldest))
  end
end

-- Put a job where it waits for its time. Whoever waits for work is woken, to learn of the new time.
local function schedule(job, due)
  redis.call('HSET', job_key(job.id), 'status', SCHEDULED, 'due_ts', due)
  redis.call('ZADD', 'rq:scheduled:' .. job.lane, due, job.id)
  if not BROKER then ring(job.queue) end
end

-- Move jobs whose time has come into their queue, 100 at most. Returns when the next one is due, or nil.
local function promote(lane, now)
  local registry = 'rq:scheduled:' .. lane
  local next_due = redis.call('ZRANGE', registry, 0, 0, 'WITHSCORES')[2]
  if not next_due or tonumber(next_due) > now then return next_due end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', registry, '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZREM', registry, id)
    if redis.call('HGET', job_key(id), 'status') == SCHEDULED then
      redis.call('HSET', job_key(id), 'status', QUEUED)
      redis.call('RPUSH', 'rq:queue:' .. lane, id)
    end
  end
  return redis.call('ZRANGE', registry, 0, 0, 'WITHSCORES')[2]
end

-- A job that its worker gave back may be older than one of the same key that came in the meantime.
local function outdated(job)
  local newest = job.newest_key and redis.call('GET', newest_of(job.queue, job.newest_key))
  return newest and newest ~= job.id
end

-- Lease a job to a worker: from here on it counts as started.
local function lease_to(job, worker, execution, now, iso, lease)
  job.attempts, job.started, job.worker = job.attempts + 1, now, worker
  redis.call('HSET', job_key(job.id), 'status', STARTED, 'started_at', iso, 'started_ts', now, 'last_heartbeat', iso,
    'worker_name', worker, 'execution', execution, 'attempts', job.attempts)
  redis.call('ZADD', 'rq:wip:' .. job.lane, now + lease, job.id .. ':' .. execution)
  count(job, 'started')
  if job.attempts == 1 and job.submitted then observe(job, 'waited', now - math.max(job.submitted, job.due or 0)) end
  tell('job.started', job, now, {worker = cjson.encode(worker)})
end

-- Whether a job may be run together with others. One that was lost before may be what killed its worker, and one with
-- a single attempt left must not lose it to a neighbour that kills the worker.
local function sociable(job) return job.attempts == 0 and job.max_attempts > 1 end

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
  count(job, 'retried')
  tell('job.retried', job, now, {problem = problem, delay_s = string.format('%.3f', delay)})
  return true
end
