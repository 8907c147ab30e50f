-- Pop the most urgent job and lease it to a worker, in one step: there is no moment in which it is nowhere.
-- ARGV: worker, execution id, now, now as RQ writes it, lease in seconds, whether it is the turn of the job that has
--       waited longest ('1'), then RQ's queues in order.
-- Returns id, RQ's queue, data, attempts; or, where nothing waits, when the next job is due; or false, which it also
-- does while workers are suspended (`rq suspend`). RQ's record of the worker says what it is doing.
local worker, execution, now, iso, lease = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local fair = ARGV[6] == '1'
if redis.call('EXISTS', 'rq:suspended') == 1 then return false end
local queues, next_due, oldest, since = {}, false, nil, nil
for index = 7, #ARGV do
  local rq_queue = ARGV[index]
  queues[#queues + 1] = rq_queue
  local due = promote(rq_queue, now)
  if due and not (next_due and tonumber(next_due) <= tonumber(due)) then next_due = due end
  if fair then
    local head = redis.call('LINDEX', 'rq:queue:' .. rq_queue, 0)
    local submitted = head and tonumber(redis.call('HGET', job_key(head), 'submitted_ts') or '')
    if submitted and not (since and since <= submitted) then oldest, since = #queues, submitted end
  end
end
if oldest then table.insert(queues, 1, table.remove(queues, oldest)) end

-- A job that its worker gave back may be older than one of the same key that came in the meantime.
local function outdated(id, queue, key)
  local newest = key and redis.call('GET', newest_of(queue, key))
  return newest and newest ~= id
end

local looked_at = 0
for _, rq_queue in ipairs(queues) do
  while looked_at < 1000 do
    local id = redis.call('LPOP', 'rq:queue:' .. rq_queue)
    if not id then break end
    looked_at = looked_at + 1
    local job = job_key(id)
    local fields = redis.call('HMGET', job, 'status', 'deadline_ts', 'data', 'max_attempts', 'queue', 'newest_key')
    local deadline = tonumber(fields[2] or '')
    if fields[1] == QUEUED and deadline and now >= deadline then
      expire(id, rq_queue, now, iso)
    elseif fields[1] == QUEUED and outdated(id, fields[5], fields[6]) then
      replace(id, rq_queue, now, iso)
    elseif fields[1] == QUEUED then
      local attempts = redis.call('HINCRBY', job, 'attempts', 1)
      redis.call('HSET', job, 'status', STARTED, 'started_at', iso, 'started_ts', now, 'last_heartbeat', iso,
        'worker_name', worker, 'execution', execution,
        'retries_left', math.max(0, tonumber(fields[4] or '1') - attempts))
      local member = id .. ':' .. execution
      redis.call('ZADD', 'rq:wip:' .. rq_queue, now + lease, member)
      redis.call('HSET', 'rq:execution:' .. member, 'id', execution, 'job_id', id, 'created_at', now,
        'last_heartbeat', now, 'worker_name', worker)
      redis.call('EXPIRE', 'rq:execution:' .. member, lease * 2)
      redis.call('SADD', 'rq:worker:' .. worker .. ':executions', member)
      redis.call('EXPIRE', 'rq:worker:' .. worker .. ':executions', lease * 2)
      local record = record_of(worker)
      if record then redis.call('HSET', record, 'state', 'busy', 'current_job', id) end
      tell('job.started', id, now, {worker = worker})
      return {id, rq_queue, fields[3] or '', attempts}
    end
    -- anything else was cancelled, or its hash has expired: only its id was left in the queue
  end
end
return next_due
