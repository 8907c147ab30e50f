-- Who works on what. `times` has now, now as RQ writes it, and when a lease that begins now ends, each as it was sent:
-- to write a number costs more than to pass it on. Its `number` is now, to reckon with; the rest is for events.

-- Whether a job may be run together with others. One that was lost before may be what killed its worker, and one with
-- a single attempt left must not lose it to a neighbour that kills the worker.
local function sociable(job) return job.attempts == 0 and job.max_attempts > 1 end

local function times_of(worker, now, iso, lease_end)
  local number, source = tonumber(now), cjson.encode(worker)
  return {now = now, number = number, iso = iso, lease_end = lease_end, ts = timestamp(number), source = source,
    more = ',"worker":' .. source}
end

local function wip_key(lane) return 'rq:wip:' .. lane end

local function lease(jobs, execution, lease_end)
  local leases = {}
  for _, job in ipairs(jobs) do add_to(leases, wip_key(job.lane), lease_end, job.id .. ':' .. execution) end
  call_each('ZADD', leases)
end

-- Jobs that are leased count as started from here on.
local function start(jobs, worker, execution, times)
  local now = times.number
  for _, job in ipairs(jobs) do
    job.attempts, job.started, job.worker = job.attempts + 1, now, worker
    redis.call('HSET', job_key(job.id), 'status', STARTED, 'started_at', times.iso, 'started_ts', times.now,
      'worker_name', worker, 'execution', execution, 'attempts', job.attempts)
    count(job.task, 'started')
    if job.attempts == 1 and job.submitted then
      observe(job.task, 'waited', now - math.max(job.submitted, job.due or 0))
    end
    tell('job.started', job, now, times.ts, times.source, times.more)
  end
end

-- Lease jobs to a worker that starts them.
local function lease_to(jobs, worker, execution, times)
  lease(jobs, execution, times.lease_end)
  start(jobs, worker, execution, times)
end

-- Lease jobs to a worker that starts them later, and says when it does (`begin`): until then no attempt is counted, and
-- there is no time at which they were started.
local function lease_ahead(jobs, worker, execution, times)
  lease(jobs, execution, times.lease_end)
  for _, job in ipairs(jobs) do
    job.attempts = job.attempts + 1
    redis.call('HSET', job_key(job.id), 'status', STARTED, 'started_ts', '', 'worker_name', worker,
      'execution', execution)
  end
end

-- The problem of a job whose worker died, with the engine that ran it: it may be what killed the worker.
local function lost_with(job, problem)
  local told = job.worker ~= '' and redis.pcall('HGET', 'rq:worker:' .. job.worker, 'rider_engines')
  if type(told) ~= 'string' then return problem end
  local read_well, engines = pcall(cjson.decode, told)
  local engine = read_well and type(engines) == 'table' and engines[job.task]
  if type(engine) ~= 'string' or string.find(engine, '[^%w%-, ]') then return problem end
  return (string.gsub(problem, 'the worker that ran it', '%0 with the engine ' .. engine, 1))
end

-- End the lease of a running job. True where it was this execution's.
local function release(lane, id, execution)
  return redis.call('ZREM', wip_key(lane), id .. ':' .. execution) == 1
end

-- RQ's record of a worker, or nil where it is gone: to write into it then would leave a worker that never dies.
local function record_of(worker)
  local key = 'rq:worker:' .. worker
  return redis.call('EXISTS', key) == 1 and key or nil
end

-- RQ's record of a worker says what it does. Each change is said once, however many short jobs follow each other: what
-- the worker has said last is `shown` (idle, busy, or job: what it works on is shown, too).
local function forget_execution(record)
  local member = redis.call('SPOP', record .. ':executions')
  if member then redis.call('DEL', 'rq:execution:' .. member) end
end

-- It works, and on this job where that is no short one: nobody would see it in time.
local function at_work(worker, shown, short, job, execution, times)
  if short and shown == 'busy' then return end
  local record = record_of(worker)
  if not record then return end
  if shown == 'job' then forget_execution(record) end
  if shown == 'idle' then redis.call('HSET', record, 'state', 'busy') end
  if short then return end
  local member, executions = job.id .. ':' .. execution, record .. ':executions'
  redis.call('HSET', 'rq:execution:' .. member, 'id', execution, 'job_id', job.id, 'created_at', times.now,
    'last_heartbeat', times.now, 'worker_name', worker)
  redis.call('EXPIRE', 'rq:execution:' .. member, EXECUTION_TTL_S)
  redis.call('SADD', executions, member)
  redis.call('EXPIRE', executions, EXECUTION_TTL_S)
end
