-- Where jobs wait with RQ's lists. A sleeping worker has seen its lanes empty, so it is woken by the first job in one.

local function waiting_key(lane) return queue_key(lane) end
local function waiting_count(lane) return redis.call('LLEN', queue_key(lane)) end

-- The lanes whose queue is not paused. A lane has the name of its queue, and maybe that of a priority behind it.
local function unpaused(lanes)
  local names, open = {}, {}
  for number, lane in ipairs(lanes) do names[number] = string.gsub(string.gsub(lane, '%-high$', ''), '%-low$', '') end
  for number, paused in ipairs(redis.call('SMISMEMBER', paused_key, unpack(names))) do
    if paused == 0 then open[#open + 1] = lanes[number] end
  end
  return open
end

-- A job that RQ's own tools made names none of our queues, and wakes no worker.
local function wake_workers(queue)
  if queue ~= '' then redis.call('PUBLISH', wake_up_channel(queue), '1') end
end

-- Let a job wait behind the others.
local function append(job)
  redis.call('RPUSH', queue_key(job.lane), job.id)
  wake_workers(job.queue)
end

-- Let a job wait before the others.
local function prepend(job)
  redis.call('LPUSH', queue_key(job.lane), job.id)
  wake_workers(job.queue)
end

-- Several jobs: collect them, then append them together. `emptied`: set of the queues whose lanes were empty.
local function collect(batch, job) add_to(batch, queue_key(job.lane), job.id) end

local function append_all(batch, emptied)
  call_each('RPUSH', batch)
  for queue in pairs(emptied) do wake_workers(queue) end
end

-- The newest are found first: a job that is superseded was submitted just before.
local function remove_queued(job) redis.call('LREM', queue_key(job.lane), '-1', job.id) end

-- Let a job wait until it is due. Sleeping workers are woken, to learn of the new time.
local function schedule(job, due_ts)
  redis.call('HSET', job_key(job.id), 'status', SCHEDULED, 'due_ts', due_ts)
  redis.call('ZADD', scheduled_key(job.lane), due_ts, job.id)
  wake_workers(job.queue)
end

-- A job that a stock RQ worker took from us waits again. In the list that worker would be the first to take it again;
-- what is due is taken by our workers alone.
local function take_back(job, now) schedule(job, now) end

-- Move jobs that are due into their list, 100 at most. Returns when the next one is due, or nil.
local function promote(lane, now)
  local registry = scheduled_key(lane)
  local next_due = redis.call('ZRANGE', registry, '0', '0', 'WITHSCORES')[2]
  if not next_due or tonumber(next_due) > now then return next_due end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', registry, '-inf', now, 'LIMIT', '0', '100')) do
    redis.call('ZREM', registry, id)
    if fields_of(id, 'status')[1] == SCHEDULED then
      redis.call('HSET', job_key(id), 'status', QUEUED)
      redis.call('RPUSH', queue_key(lane), id)
    end
  end
  return redis.call('ZRANGE', registry, '0', '0', 'WITHSCORES')[2]
end
