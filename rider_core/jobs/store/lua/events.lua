-- Events: in the stream of all processes, and in the job's own stream.

-- The events of one function, one JSON object each. An entry of a stream costs nearly as much as a job, so events that
-- are emitted together share one, each on a line of its own.
local emitted

local function write_events()
  for first = 1, #emitted, EVENTS_TOGETHER do
    local last = math.min(first + EVENTS_TOGETHER - 1, #emitted)
    local lines = first == last and emitted[first] or table.concat(emitted, '\n', first, last)
    redis.call('XADD', events_key, 'MAXLEN', '~', EVENTS_STREAM_LENGTH, '*', 'event', lines)
  end
end

local function emit_json(event, id, streams)
  emitted[#emitted + 1] = event
  if streams then
    local own = job_events_key(id)
    redis.call('XADD', own, 'MAXLEN', JOB_STREAM_LENGTH, '*', 'event', event)
    redis.call('EXPIRE', own, JOB_STREAM_TTL_S)
  end
end

local function in_json(text) return text == '' and '""' or cjson.encode(text) end

local function in_ms(seconds) return math.floor(seconds * 1000 + 0.5) end

-- Emit an event of a job. Concatenation, because `string.format` and `cjson.encode` of a table take three times as long.
-- Args:
--   ts: now, as `timestamp` writes it.
--   source: the process that says it, in JSON.
--   more: what this kind adds to the event's data, in JSON, each with a comma before it.
local function emit(kind, job, now, ts, source, more)
  local rest = more or ''
  if job.started_ts and kind ~= 'job.started' then rest = ',"ran_ms":' .. in_ms(now - job.started_ts) .. rest end
  if job.submitted_ts and job.started_ts then
    rest = ',"waited_ms":' .. in_ms(job.started_ts - job.submitted_ts) .. rest
  end
  if job.items > 0 then rest = ',"items":' .. job.items .. rest end
  if job.wanted ~= '' then rest = ',"wanted":' .. in_json(job.wanted) .. rest end
  if job.trace ~= '' then rest = ',"trace_id":"' .. job.trace .. '"' .. rest end
  emit_json(event_json(kind, ts, source or '""', job.id, job.task, job.queue, in_json(job.origin), job.priority,
    job.attempts, rest), job.id, job.streams)
end

local function timestamp(now) return string.format('%.6f', now) end
