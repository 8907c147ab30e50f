-- Where what happens is told: to the house, to whoever follows a job, and to workers that sleep.

-- The house's events of one function, one JSON object each. An entry of a stream costs as much as a good part of a job,
-- so those that were said together share one, each on a line of its own.
local said

local function write_events()
  for first = 1, #said, EVENTS_TOGETHER do
    local last = math.min(first + EVENTS_TOGETHER - 1, #said)
    local lines = first == last and said[first] or table.concat(said, '\n', first, last)
    redis.call('XADD', 'rider:events', 'MAXLEN', '~', HOUSE_STREAM_LENGTH, '*', 'event', lines)
  end
end

local function publish(event, id, stream)
  said[#said + 1] = event
  if stream then
    local own = 'rider:job:' .. id .. ':events'
    redis.call('XADD', own, 'MAXLEN', JOB_STREAM_LENGTH, '*', 'event', event)
    redis.call('EXPIRE', own, JOB_STREAM_TTL_S)
  end
end

-- The same as `cjson.encode` of a table, put together by hand: it is a good part of what a job costs. Where the caller
-- knows all that there is to tell, it brings the event along (`codec.event`, which writes the same).
local EVENT = '{"kind":"%s","ts":%s,"source":%s,"job_id":"%s","data":{"task":"%s","queue":"%s","origin":%s,' ..
  '"priority":"%s","attempts":%d%s%s}}'

local function in_json(text) return text == '' and '""' or cjson.encode(text) end

-- Args:
--   ts: now, as `timestamp` writes it.
--   source: who says it, in JSON.
--   more: what is added to the event's data, in JSON, with a comma before each.
local function tell(kind, job, now, ts, source, more)
  local times = ''
  if job.items > 0 then times = ',"items":' .. job.items end
  if job.submitted and job.started then
    times = string.format('%s,"waited_ms":%.0f', times, (job.started - job.submitted) * 1000)
  end
  if job.started and kind ~= 'job.started' then
    times = string.format('%s,"ran_ms":%.0f', times, (now - job.started) * 1000)
  end
  publish(string.format(EVENT, kind, ts, source or '""', job.id, job.task, job.queue or '', in_json(job.source),
    job.priority, job.attempts, times, more or ''), job.id, job.stream)
end

local function timestamp(now) return string.format('%.6f', now) end

-- A job that RQ's own tools put into a queue names none of our queues, and rings no bell.
local function ring(queue)
  if queue and queue ~= '' then redis.call('PUBLISH', 'rider:doorbell:' .. queue, '1') end
end
