-- A job's hash is RQ's own (status, origin, attempts' traces), with a few fields of ours (see codec.py).
-- BROKER is true where a message broker carries the jobs: what waits then stands in a sorted set, not in RQ's list,
-- and whoever called the function publishes.

local SCHEDULED, QUEUED, STARTED = 'scheduled', 'queued', 'started'
local FINISHED, FAILED, CANCELED = 'finished', 'failed', 'canceled'
local STATUSES = {[SCHEDULED] = true, [QUEUED] = true, [STARTED] = true, [FINISHED] = true, [FAILED] = true, [CANCELED] = true}

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

-- What is said to be a number is one; what has another form says nothing, as if RQ's own tools had made the job.
local ABOUT = '^([^|]*)|([^|]*)|([^|]*)|([01]?)|(%d*)|([%d.]*)|([%d.]*)|([^|]*)|(%d*)|(.*)$'

-- A number out of Redis, where anything may stand; nil where it is none, or is none to reckon with (nan, inf).
local function finite(text)
  local number = text and tonumber(text)
  if number and number > -1e15 and number < 1e15 then return number end
end

-- Fields of a job's hash. What is no hash has none of them.
local function fields_of(id, ...)
  local fields = redis.pcall('HMGET', job_key(id), ...)
  return fields.err and {} or fields
end

-- A job as a table, out of fields of its hash. `about`, which `codec.Told` describes, is taken apart; a job that RQ's own
-- tools made has none of it. `more`: somebody requeued it, so it may be started that often once more, whatever its
-- deadline was.
local function job_of(id, status, about, attempts, more, due)
  local task, queue, priority, stream, max_attempts, submitted, deadline, key, items, source =
    string.match(about or '', ABOUT)
  return {
    id = id, status = status, about = about, attempts = finite(attempts) or 0,
    due = finite(due), task = task or '', queue = queue, priority = priority or '', source = source or '',
    stream = stream == '1',
    more = finite(more),
    max_attempts = (finite(max_attempts) or 1) + (finite(more) or 0),
    submitted = finite(submitted), deadline = not more and finite(deadline) or nil,
    newest_key = key ~= '' and key or nil, items = finite(items) or 0,
    lane = false, data = false, execution = false, worker = false, started = false, nonce = false,
  }
end

-- A job with all but its data, which may be long. Its `status` is false where there is none. `nonce`: that of the
-- broker's ticket that it was leased for. `lane`: where it is known to be, whatever its hash says.
local function read(id, lane)
  local fields = fields_of(id, 'status', 'about', 'attempts', 'attempts_more', 'due_ts', 'origin',
    'execution', 'worker_name', 'started_ts', 'nonce')
  local job = job_of(id, fields[1], fields[2], fields[3], fields[4], fields[5])
  job.lane, job.execution, job.worker = lane or fields[6] or '', fields[7] or '', fields[8] or ''
  job.started = finite(fields[9])
  job.nonce = fields[10]
  return job
end

-- A job that waits in a lane, with its data.
local function read_waiting(id, lane)
  local fields = fields_of(id, 'status', 'about', 'attempts', 'attempts_more', 'due_ts', 'data')
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
