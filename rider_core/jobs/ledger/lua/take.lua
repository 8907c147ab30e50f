-- Pop the most urgent jobs and lease them to a worker, in one step: there is no moment in which one is nowhere.
-- args: worker, execution id, now, now as RQ writes it, when the leases end, what RQ's record of the worker shows,
--       whether it is the turn of the job that has waited longest ('1'), how many jobs of a task may be taken together
--       (JSON: task to number; others: one), the task to which the others are wanted that may be run together with it
--       (or empty), its hand, how many seconds a lease has, the worker's queues with spaces between, then the lanes in
--       order.
-- Hand: 'out' where it is to be held out if nothing waits; 'held' where it is out; 'full' where the worker is at work, and
-- will say when it begins what it is given here (`begin`); or empty.
-- Returns for each job its id, lane, task, data, attempt and about; all are of one lane and task. Or, where nothing waits,
-- when the next job is due; or false, which it also does while workers are suspended (`rq suspend`); or 1: something
-- was handed over to the worker, so that nothing is taken.

-- Look at jobs that were popped from a lane, until one does not fit: it and those behind it go back. Returns those that
-- may start, and whether one did not fit. Of those that may not, only the id was there: they are dropped, or forgotten.
local function startable(lane, ids, times, fits)
  local jobs = {}
  for number, id in ipairs(ids) do
    local job = read_waiting(id, lane)
    if job.status == QUEUED and job.attempts >= job.max_attempts then
      -- RQ's tools put a dead letter back: as many attempts as it had at first, whatever its deadline was.
      local allowed = job.max_attempts - (job.more or 0)
      absolve(job, allowed)
      job.max_attempts = job.attempts + allowed
      count(job.task, 'requeued')
    end
    if job.status == QUEUED and job.deadline and times.number >= job.deadline then
      drop(job, 'expired', times.number, times.iso)
    elseif job.status == QUEUED and outdated(job) then
      drop(job, 'replaced', times.number, times.iso)
    elseif job.status == QUEUED then
      if not fits(job) then
        for back = #ids, number, -1 do redis.call('LPUSH', waiting_key(lane), ids[back]) end
        return jobs, true
      end
      jobs[#jobs + 1] = job
    elseif job.status and not STATUSES[job.status] then
      bury(job, times.number, times.iso, DAMAGED, DAMAGED_TRACE)
      tell('job.failed', job, times.number, times.ts, nil, ',"problem":' .. DAMAGED)
    end
  end
  return jobs, false
end

-- Move what has become due into the lanes, and put that lane first whose head has waited longest, where it is its turn.
-- Returns the lanes from `first` on, and when the next job is due; or nil, while workers are suspended.
local function lanes_in_order(args, first, now, fair)
  local lanes, rare, next_due, oldest, since = {}, {'rq:suspended'}, false, nil, nil
  for index = first, #args do
    lanes[#lanes + 1] = args[index]
    rare[#rare + 1] = scheduled_key(args[index])
  end
  -- Most often there is none of these, and one question says it.
  if redis.call('EXISTS', unpack(rare)) > 0 then
    if redis.call('EXISTS', 'rq:suspended') == 1 then return nil end
    for _, lane in ipairs(lanes) do
      local due = promote(lane, now)
      if due and not (next_due and tonumber(next_due) <= tonumber(due)) then next_due = due end
    end
  end
  if fair then
    for number, lane in ipairs(lanes) do
      local head = redis.call('LINDEX', waiting_key(lane), '0')
      local submitted = head and read(head).submitted
      if submitted and not (since and since <= submitted) then oldest, since = number, submitted end
    end
    if oldest then table.insert(lanes, 1, table.remove(lanes, oldest)) end
  end
  return lanes, next_due
end

-- So many jobs that may not start are passed over in one call.
local PASSED_OVER = 1000

-- The first job of the queues that may start, taken out of its queue; nil where there is none, or where it does not fit.
local function first_of(queues, times, fits)
  local command = {'LMPOP', #queues, unpack(queues)}
  command[#command + 1] = 'LEFT'
  for _ = 1, PASSED_OVER do
    local popped = redis.call(unpack(command))
    if not popped then return nil end
    local jobs, over = startable(string.sub(popped[1], #waiting_key('') + 1), popped[2], times, fits)
    if jobs[1] or over then return jobs[1] end
  end
end

local function take(args)
  local worker, execution, only = args[1], args[2], args[9]
  local times = times_of(worker, args[3], args[4], args[5])
  local hand, queues_of_worker = args[10], args[12]
  if hand == 'held' and redis.call('EXISTS', hand_key(worker)) == 0 then return 1 end
  local lanes, next_due = lanes_in_order(args, 13, times.number, args[7] == '1')
  local queues = {}
  for number, lane in ipairs(lanes or {}) do queues[number] = waiting_key(lane) end
  local first = lanes and first_of(queues, times, function(job)
    return only == '' or (job.task == only and sociable(job))
  end)
  if not first then
    if hand == 'out' then hold_out(worker, queues_of_worker, execution, args[11], args[8]) end
    if hand == 'held' then keep_out(worker, queues_of_worker) end
    return next_due or false
  end
  if hand == 'held' then redis.call('DEL', hand_key(worker)) end
  local limit = cjson.decode(args[8])[first.task] or 1
  local jobs, over, popped = {first}, not sociable(first), 0
  while #jobs < limit and not over and popped < PASSED_OVER do
    local ids = redis.call('LPOP', waiting_key(first.lane), limit - #jobs)
    if not ids then break end
    popped = popped + #ids
    local more
    more, over = startable(first.lane, ids, times, function(job) return job.task == first.task and sociable(job) end)
    for _, job in ipairs(more) do jobs[#jobs + 1] = job end
  end
  local taken = {}
  if hand == 'full' then
    lease_ahead(jobs, worker, execution, times)
  else
    lease_to(jobs, worker, execution, times)
    at_work(worker, args[6], limit > 1, first, execution, times)
  end
  for _, job in ipairs(jobs) do
    taken[#taken + 1] = {job.id, job.lane, job.task, job.data, job.attempts, job.about or ''}
  end
  return taken
end
