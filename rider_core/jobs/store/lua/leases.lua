-- Leases: which worker runs which job. `times` has now, now as RQ writes it, and when a lease that starts now ends, each
-- as it was sent: to write a number costs more than to pass it on. Its `number` is now as a number; the rest is for events.

-- Whether a job may run together with others. One that was lost before may be what killed its worker, and one with a
-- single attempt must not lose it to a neighbour that kills the worker.
local function batchable(job) return job.attempts == 0 and job.max_attempts > 1 end

local function times_of(worker, now, rq_now, lease_end)
  local number, source = tonumber(now), cjson.encode(worker)
  return {now = now, number = number, rq_now = rq_now, lease_end = lease_end, ts = timestamp(number), source = source,
    more = ',"worker":' .. source}
end

local function lease(jobs, execution, lease_end)
  local leases = {}
  for _, job in ipairs(jobs) do add_to(leases, started_key(job.lane), lease_end, job.id .. ':' .. execution) end
  call_each('ZADD', leases)
end

-- Leased jobs are started: the attempt counts from here on.
local function start(jobs, worker, execution, times)
  local now = times.number
  for _, job in ipairs(jobs) do
    job.attempts, job.started_ts, job.worker = job.attempts + 1, now, worker
    redis.call('HSET', job_key(job.id), 'status', STARTED, 'started_at', times.rq_now, 'started_ts', times.now,
      'worker_name', worker, 'execution', execution, 'attempts', job.attempts)
    count(job.task, 'started')
    if job.attempts == 1 and job.submitted_ts then
      observe(job.task, 'waited', now - math.max(job.submitted_ts, job.due_ts or 0))
    end
    emit('job.started', job, now, times.ts, times.source, times.more)
  end
end

-- Lease jobs to a worker that starts them now.
local function lease_to(jobs, worker, execution, times)
  lease(jobs, execution, times.lease_end)
  start(jobs, worker, execution, times)
end

-- Lease jobs to a worker that starts them later, and says so (`mark_started`): until then no attempt is counted, and there
-- is no time at which they were started.
local function lease_prefetched(jobs, worker, execution, times)
  lease(jobs, execution, times.lease_end)
  for _, job in ipairs(jobs) do
    job.attempts = job.attempts + 1
    redis.call('HSET', job_key(job.id), 'status', STARTED, 'started_ts', '', 'worker_name', worker,
      'execution', execution)
  end
end

-- The problem of a job whose worker died, with the engine that ran it: it may be what killed the worker.
local function lost_problem(job, problem)
  local announced = job.worker ~= '' and redis.pcall('HGET', worker_key(job.worker), 'rider_engines')
  if type(announced) ~= 'string' then return problem end
  local is_json, engines = pcall(cjson.decode, announced)
  local engine = is_json and type(engines) == 'table' and engines[job.task]
  if type(engine) ~= 'string' or string.find(engine, '[^%w%-, ]') then return problem end
  return (string.gsub(problem, 'the worker that ran it', '%0 with the engine ' .. engine, 1))
end

-- End the lease of a running job. False where it was not this execution's.
local function release(lane, id, execution)
  return redis.call('ZREM', started_key(lane), id .. ':' .. execution) == 1
end

-- RQ's record of a worker, or nil where it has expired: a write would create a record that never expires.
local function record_of(worker)
  local key = worker_key(worker)
  return redis.call('EXISTS', key) == 1 and key or nil
end

local function forget_execution(worker)
  local member = redis.call('SPOP', executions_key(worker))
  if member then redis.call('DEL', execution_key(member)) end
end

-- Let RQ's record show that the worker is busy, and with which job, unless jobs are short: they end before a reader sees it.
-- Each change is written once, however many short jobs follow each other: `shown` is what was written last.
local function show_busy(worker, shown, short, job, execution, times)
  if short and shown == SHOWN_BUSY then return end
  local record = record_of(worker)
  if not record then return end
  if shown == SHOWN_JOB then forget_execution(worker) end
  if shown == SHOWN_IDLE then redis.call('HSET', record, 'state', 'busy') end
  if short then return end
  local member, executions = job.id .. ':' .. execution, executions_key(worker)
  redis.call('HSET', execution_key(member), 'id', execution, 'job_id', job.id, 'created_at', times.now,
    'last_heartbeat', times.now, 'worker_name', worker)
  redis.call('EXPIRE', execution_key(member), EXECUTION_TTL_S)
  redis.call('SADD', executions, member)
  redis.call('EXPIRE', executions, EXECUTION_TTL_S)
end
