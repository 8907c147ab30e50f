-- A job's hash: RQ's own fields (status, origin, data, traces) and ours beside them (see protocol.py).

local SCHEDULED, QUEUED, STARTED = 'scheduled', 'queued', 'started'
local FINISHED, FAILED, CANCELED = 'finished', 'failed', 'canceled'
local STATUSES = {[SCHEDULED] = true, [QUEUED] = true, [STARTED] = true, [FINISHED] = true, [FAILED] = true, [CANCELED] = true}

-- Commands with many values: `by_key` collects them for each key. Lua passes 8,000 values in one call at most; there are
-- two for each job, and 1,000 jobs in one call at most.
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

-- A number out of Redis, where any text may stand; nil where it is no number, or not finite.
local function finite(text)
  local number = text and tonumber(text)
  if number and number > -1e15 and number < 1e15 then return number end
end

-- Fields of a job's hash. A key of another type has none of them.
local function fields_of(id, ...)
  local fields = redis.pcall('HMGET', job_key(id), ...)
  return fields.err and {} or fields
end

-- A job as a table, with the fields of its metadata; a job that RQ's own tools made has no metadata. `extra_attempts`:
-- attempts beyond its policy's, because it was requeued; its deadline does not count any more then.
local function job_of(id, status, metadata, attempts, extra_attempts, due_ts)
  local $METADATA_NAMES = string.match(metadata or '', $METADATA_PATTERN)
  local extra = finite(extra_attempts)
  local job = {
    $METADATA_VALUES,
    id = id, status = status, metadata = metadata or '', attempts = finite(attempts) or 0, due_ts = finite(due_ts),
    extra_attempts = extra,
    lane = false, data = false, execution = false, worker = false, started_ts = false, nonce = false,
  }
  job.max_attempts = (finite(max_attempts) or 1) + (extra or 0)
  if extra then job.deadline_ts = nil end
  return job
end

-- A job with all but its data, which may be long. Its `status` is false where there is none. `nonce`: of the broker's
-- ticket that it was leased for. `lane`: where it is known to be, whatever its hash says.
local function read(id, lane)
  local fields = fields_of(id, 'status', 'metadata', 'attempts', 'extra_attempts', 'due_ts', 'origin',
    'execution', 'worker_name', 'started_ts', 'nonce')
  local job = job_of(id, fields[1], fields[2], fields[3], fields[4], fields[5])
  job.lane, job.execution, job.worker = lane or fields[6] or '', fields[7] or '', fields[8] or ''
  job.started_ts = finite(fields[9])
  job.nonce = fields[10]
  return job
end

-- A job that waits in a lane, with its data.
local function read_waiting(id, lane)
  local fields = fields_of(id, 'status', 'metadata', 'attempts', 'extra_attempts', 'due_ts', 'data')
  local job = job_of(id, fields[1], fields[2], fields[3], fields[4], fields[5])
  job.lane, job.data = lane, fields[6] or ''
  return job
end

-- RQ expects the field to exist.
local function clear_data(id) redis.call('HSET', job_key(id), 'data', '') end

-- Whether a newer job of the same coalescing key was submitted: a job that was released may be older than that one.
local function superseded(job)
  local newest = job.coalescing_key and redis.call('GET', coalescing_pointer(job.queue, job.coalescing_key))
  return newest and newest ~= job.id
end
