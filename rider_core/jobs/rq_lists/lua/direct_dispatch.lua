-- Direct dispatch: a worker that found no job offers a lease. The next job that is submitted alone is leased to it in the
-- same step and published to it, so that it need not be woken, ask, and be answered. `dispatch_key` has what a lease
-- needs; it is gone once a job was dispatched, and only then.

-- Args:
--   queues: their names, separated by blanks.
--   execution, lease_s: the name of the next attempt, and the length of its lease.
--   limits: how many jobs of a task are leased together, in JSON.
local function accept_dispatch(worker, queues, execution, lease_s, limits)
  redis.call('SET', dispatch_key(worker), execution .. '|' .. lease_s .. '|' .. limits, 'EX', DISPATCH_TTL_S)
  for queue in string.gmatch(queues, '%S+') do
    redis.call('SADD', idle_workers_key(queue), worker)
    redis.call('EXPIRE', idle_workers_key(queue), DISPATCH_TTL_S)
  end
end

-- The offer still stands. A submitter that could not reach the worker has removed it from the set, and its time runs out.
local function renew_dispatch(worker, queues)
  local ends_soon = redis.call('TTL', dispatch_key(worker)) < DISPATCH_TTL_S / 2
  if ends_soon then redis.call('EXPIRE', dispatch_key(worker), DISPATCH_TTL_S) end
  for queue in string.gmatch(queues, '%S+') do
    local removed = redis.call('SADD', idle_workers_key(queue), worker) == 1
    if removed or ends_soon then redis.call('EXPIRE', idle_workers_key(queue), DISPATCH_TTL_S) end
  end
end

local WORKERS_TRIED = 10

-- Lease a job that was just accepted to an idle worker, and publish it: a row in a line of JSON, and behind it the job's
-- data. False where no worker has it.
local function dispatch(job, rq_now)
  if redis.call('SISMEMBER', paused_key, job.queue) == 1 then return false end
  for _ = 1, WORKERS_TRIED do
    local worker = redis.call('SPOP', idle_workers_key(job.queue))
    if not worker or redis.call('EXISTS', suspended_key) == 1 then return false end
    local offer = redis.call('GET', dispatch_key(worker))
    local execution, lease_s, limits = string.match(offer or '', '^([^|]*)|([^|]*)|(.*)$')
    if execution then
      -- By Redis's clock: a submitter's clock should not decide when a lease ends.
      local time = redis.call('TIME')
      local now = string.format('%d.%06d', time[1], time[2])
      job.execution, job.started_ts = execution, now
      local row = cjson.encode(dispatched_row(job))
      job.started_ts = false
      -- No subscriber: the worker has died, or has lost its connection.
      if redis.call('PUBLISH', dispatch_key(worker), row .. '\n' .. job.data) > 0 then
        redis.call('DEL', dispatch_key(worker))
        local times = times_of(worker, now, rq_now, string.format('%d.%06d', time[1] + lease_s, time[2]))
        lease_to({job}, worker, execution, times)
        local idle = redis.call('HGET', worker_key(worker), 'state') == 'idle'
        local short = (cjson.decode(limits)[job.task] or 1) > 1
        show_busy(worker, idle and SHOWN_IDLE or SHOWN_BUSY, short, job, execution, times)
        return true
      end
    end
  end
  return false
end

-- Whether an idle worker has the job already; not one that is long, or whose deadline has passed.
local function dispatched(submitted, now, rq_now)
  if #submitted.data > MAX_NOTIFIED_BYTES then return false end
  local job = job_of(submitted.id, QUEUED, submitted.metadata)
  if job.deadline_ts and tonumber(now) >= job.deadline_ts then return false end
  job.lane, job.data = submitted.lane, submitted.data
  return dispatch(job, rq_now)
end

-- The only job of a call to `submit` goes to an idle worker, or waits. `empty`: its lane is empty.
local function deliver(job, now, rq_now, empty)
  if empty and dispatched(job, now, rq_now) then return end
  redis.call('RPUSH', queue_key(job.lane), job.id)
  if empty then wake_workers(job.queue) end
end
