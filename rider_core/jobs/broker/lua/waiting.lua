-- Where jobs wait with a broker: their tickets are in the broker, whose delivery wakes a worker, and their ids here, scored
-- by when the tickets were published.

local function waiting_key(lane) return published_key(lane) end
local function waiting_count(lane) return redis.call('ZCARD', published_key(lane)) end

local function append(job, now) redis.call('ZADD', published_key(job.lane), now, job.id) end

-- The caller publishes its ticket, and so decides on the order.
local prepend = append

-- Jobs of one call stay in their order: two microseconds lie between two. One would be lost by rounding now and then.
local function collect(batch, job, now)
  local key = published_key(job.lane)
  local before = batch[key] and #batch[key] / 2 or 0
  add_to(batch, key, string.format('%.6f', tonumber(now) + before * 2 / 1e6), job.id)
end

local function append_all(batch) call_each('ZADD', batch) end

local function remove_queued(job) redis.call('ZREM', published_key(job.lane), job.id) end

-- Let a job wait until it is due; the caller publishes its ticket with that delay.
local function schedule(job, due_ts)
  redis.call('HSET', job_key(job.id), 'status', SCHEDULED, 'due_ts', due_ts)
  redis.call('ZADD', scheduled_key(job.lane), due_ts, job.id)
end

-- A job that a stock RQ worker took from us waits again.
local function take_back(job, now)
  redis.call('HSET', job_key(job.id), 'status', QUEUED)
  append(job, now)
end

-- The only job of a call to `submit` waits for a worker.
local function deliver(job, now) append(job, now) end
