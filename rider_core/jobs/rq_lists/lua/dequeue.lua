-- Pop the most urgent jobs and lease them to a worker. Atomic: a crash cannot lose a job between the pop and the lease.
-- Returns a row for each job (`protocol.DequeuedRow`); all are of one lane and task. Where no job waits, when the next one
-- is due, or false, which it also returns while workers are suspended (`rq suspend`); or DISPATCHED: a job was dispatched
-- to the worker, so that no other is leased.

-- Look at jobs that were popped from a lane, until one does not fit: it and those behind it go back. Returns those that
-- may start, and whether one did not fit. Of those that may not start, only the id was there: they are discarded.
local function startable(lane, ids, times, fits)
  local jobs = {}
  for number, id in ipairs(ids) do
    local job = read_waiting(id, lane)
    if job.status == QUEUED and job.attempts >= job.max_attempts then
      -- RQ's tools put a dead letter back: as many attempts as it had at first, whatever its deadline was.
      local allowed = job.max_attempts - (job.extra_attempts or 0)
      reset_attempts(job, allowed)
      job.max_attempts = job.attempts + allowed
      count(job.task, 'requeued')
    end
    if job.status == QUEUED and job.deadline_ts and times.number >= job.deadline_ts then
      discard(job, 'expired', times.number, times.rq_now)
    elseif job.status == QUEUED and superseded(job) then
      discard(job, 'replaced', times.number, times.rq_now)
    elseif job.status == QUEUED then
      if not fits(job) then
        for back = #ids, number, -1 do redis.call('LPUSH', queue_key(lane), ids[back]) end
        return jobs, true
      end
      jobs[#jobs + 1] = job
    elseif job.status and not STATUSES[job.status] then
      dead_letter(job, times.number, times.rq_now, DAMAGED, DAMAGED_TRACEBACK)
      emit('job.failed', job, times.number, times.ts, nil, ',"problem":' .. DAMAGED)
    end
  end
  return jobs, false
end

-- Move the jobs that are due into their lanes, and put the lane first whose head has waited longest, where it is its turn.
-- Returns the lanes in order, without those of paused queues, and when the next job is due; or nil, while workers are
-- suspended.
local function lanes_in_order(lanes, now, oldest_first)
  local rare, next_due, oldest, since = {suspended_key, paused_key}, false, nil, nil
  for _, lane in ipairs(lanes) do rare[#rare + 1] = scheduled_key(lane) end
  -- Most often none of these keys exists, and one command tells.
  if redis.call('EXISTS', unpack(rare)) > 0 then
    if redis.call('EXISTS', suspended_key) == 1 then return nil end
    for _, lane in ipairs(lanes) do
      local due = promote(lane, now)
      if due and not (next_due and tonumber(next_due) <= tonumber(due)) then next_due = due end
    end
    lanes = unpaused(lanes)
  end
  if oldest_first then
    for number, lane in ipairs(lanes) do
      local head = redis.call('LINDEX', queue_key(lane), '0')
      local submitted = head and read(head).submitted_ts
      if submitted and not (since and since <= submitted) then oldest, since = number, submitted end
    end
    if oldest then table.insert(lanes, 1, table.remove(lanes, oldest)) end
  end
  return lanes, next_due
end

-- The largest number of jobs that may not start that are passed over in one call.
local PASSED_OVER = 1000

-- The first job that may start, taken out of its list; nil where there is none, or where it does not fit.
local function first_of(queues, times, fits)
  local command = {'LMPOP', #queues, unpack(queues)}
  command[#command + 1] = 'LEFT'
  for _ = 1, PASSED_OVER do
    local popped = redis.call(unpack(command))
    if not popped then return nil end
    local jobs, over = startable(string.sub(popped[1], #queue_key('') + 1), popped[2], times, fits)
    if jobs[1] or over then return jobs[1] end
  end
end

local function dequeue(worker, execution, now, rq_now, lease_end, shown, oldest_first, limits, only_task, dispatching, lease_s, queues, lanes)
  local times = times_of(worker, now, rq_now, lease_end)
  if dispatching == ACCEPTING_DISPATCH and redis.call('EXISTS', dispatch_key(worker)) == 0 then return DISPATCHED end
  local ordered, next_due = lanes_in_order(lanes, times.number, oldest_first == '1')
  local lists = {}
  for number, lane in ipairs(ordered or {}) do lists[number] = queue_key(lane) end
  local first = lists[1] and first_of(lists, times, function(job)
    return only_task == '' or (job.task == only_task and batchable(job))
  end)
  if not first then
    if dispatching == ACCEPT_DISPATCH then accept_dispatch(worker, queues, execution, lease_s, limits) end
    if dispatching == ACCEPTING_DISPATCH then renew_dispatch(worker, queues) end
    return next_due or false
  end
  if dispatching == ACCEPTING_DISPATCH then redis.call('DEL', dispatch_key(worker)) end
  local limit = cjson.decode(limits)[first.task] or 1
  local jobs, over, popped = {first}, not batchable(first), 0
  while #jobs < limit and not over and popped < PASSED_OVER do
    local ids = redis.call('LPOP', queue_key(first.lane), limit - #jobs)
    if not ids then break end
    popped = popped + #ids
    local more
    more, over = startable(first.lane, ids, times, function(job) return job.task == first.task and batchable(job) end)
    for _, job in ipairs(more) do jobs[#jobs + 1] = job end
  end
  if dispatching == PREFETCH then
    lease_prefetched(jobs, worker, execution, times)
  else
    lease_to(jobs, worker, execution, times)
    show_busy(worker, shown, limit > 1, first, execution, times)
  end
  local rows = {}
  for number, job in ipairs(jobs) do rows[number] = dequeued_row(job) end
  return rows
end
