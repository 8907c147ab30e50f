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

local function in_json(text) return text == '' and '""' or cjson.encode(text) end

local function in_ms(seconds) return math.floor(seconds * 1000 + 0.5) end

-- The same as `cjson.encode` of a table, put together by hand (and not by `string.format`, which takes three times as
-- long): it is a good part of what a job costs. Where the caller knows all that there is to tell, it brings the event
-- along (`codec.event`, which writes the same).
-- Args:
--   ts: now, as `timestamp` writes it.
--   source: who says it, in JSON.
--   more: what is added to the event's data, in JSON, with a comma before each.
local function tell(kind, job, now, ts, source, more)
  local rest = more or ''
  if job.started and kind ~= 'job.started' then rest = ',"ran_ms":' .. in_ms(now - job.started) .. rest end
  if job.submitted and job.started then rest = ',"waited_ms":' .. in_ms(job.started - job.submitted) .. rest end
  if job.items > 0 then rest = ',"items":' .. job.items .. rest end
  publish('{"kind":"' .. kind .. '","ts":' .. ts .. ',"source":' .. (source or '""') .. ',"job_id":"' .. job.id ..
    '","data":{"task":"' .. job.task .. '","queue":"' .. (job.queue or '') .. '","origin":' .. in_json(job.source) ..
    ',"priority":"' .. job.priority .. '","attempts":' .. job.attempts .. rest .. '}}', job.id, job.stream)
end

local function timestamp(now) return string.format('%.6f', now) end

-- A job that RQ's own tools put into a queue names none of our queues, and rings no bell.
local function ring(queue)
  if queue and queue ~= '' then redis.call('PUBLISH', 'rider:doorbell:' .. queue, '1') end
end
