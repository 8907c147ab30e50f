-- A job's hash is RQ's own (status, origin, attempts' traces), with a few fields of ours (see codec.py).
-- BROKER is true where a message broker carries the jobs: what waits then stands in a sorted set, not in RQ's list,
-- and whoever called the function publishes.

local SCHEDULED, QUEUED, STARTED = 'scheduled', 'queued', 'started'
local FINISHED, FAILED, CANCELED = 'finished', 'failed', 'canceled'

local function job_key(id) return 'rq:job:' .. id end
local function items_key(id) return 'rider:items:' .. id end
local function newest_of(queue, key) return 'rider:newest:' .. queue .. ':' .. key end

-- Commands with many values: `by_key` collects them, key by key. Lua hands over some 8,000 at once at most; there are
-- two for each job, and never more than 1,000 jobs in one call.
local function add_to(by_key, key, value, second)
  local values = by_key[key]
  if not values then
    values = {}
    by_key[key] = values
  end
  values[#values + 1] = value
  if second then values[#values + 1] = second end
end

local function call_each(command, by_key)
  for key, values in pairs(by_key) do redis.call(command, key, unpack(values)) end
end

local ABOUT = '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$'

-- A job as a table, out of fields of its hash. `about`, which `codec.Told` describes, is taken apart; a job that RQ's own
-- tools made has none of it. `more`: somebody requeued it, so it may be started that often once more, whatever its
-- deadline was.
local function job_of(id, status, about, attempts, more, due)
  local task, queue, priority, stream, max_attempts, submitted, deadline, key, items, source =
    string.match(about or '', ABOUT)
  return {
    id = id, status = status, about = about, attempts = attempts and tonumber(attempts) or 0,
    due = due and tonumber(due), task = task or '', queue = queue, priority = priority or '', source = source or '',
    stream = stream == '1',
    max_attempts = (max_attempts and tonumber(max_attempts) or 1) + (more and tonumber(more) or 0),
    submitted = submitted and tonumber(submitted), deadline = not more and deadline and tonumber(deadline) or nil,
    newest_key = key ~= '' and key or nil, items = items and tonumber(items) or 0,
    lane = false, data = false, execution = false, worker = false, started = false, nonce = false,
  }
end

-- A job with all but its data, which may be long. Its `status` is false where there is none. `nonce`: that of the
-- broker's ticket that it was leased for.
local function read(id)
  local fields = redis.call('HMGET', job_key(id), 'status', 'about', 'attempts', 'attempts_more', 'due_ts', 'origin',
    'execution', 'worker_name', 'started_ts', 'nonce')
  local job = job_of(id, fields[1], fields[2], fields[3], fields[4], fields[5])
  job.lane, job.execution, job.worker, job.started = fields[6], fields[7], fields[8], fields[9] and tonumber(fields[9])
  job.nonce = fields[10]
  return job
end

-- A job that waits in a lane, with its data.
local function read_waiting(id, lane)
  local fields = redis.call('HMGET', job_key(id), 'status', 'about', 'attempts', 'attempts_more', 'due_ts', 'data')
  local job = job_of(id, fields[1], fields[2], fields[3], fields[4], fields[5])
  job.lane, job.data = lane, fields[6] or ''
  return job
end

-- Nobody asks any more what was asked for. RQ wants to find the field.
local function forget_data(id) redis.call('HSET', job_key(id), 'data', '') end

-- A job that its worker gave back may be older than one of the same key that came in the meantime.
local function outdated(job)
  local newest = job.newest_key and redis.call('GET', newest_of(job.queue, job.newest_key))
  return newest and newest ~= job.id
end
