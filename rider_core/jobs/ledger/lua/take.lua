-- Pop the most urgent jobs and lease them to a worker, in one step: there is no moment in which one is nowhere.
-- ARGV: worker, execution id, now, now as RQ writes it, lease in seconds, whether it is the turn of the job that has
--       waited longest ('1'), how many jobs of a task may be taken together (JSON: task to number; others: one), the
--       task to which the others are wanted that may be run together with it (or empty), then the lanes in order.
-- Returns a list with, for each job, its id, lane, task, data, attempt and about; all are of one lane and task. Or, where nothing
-- waits, when the next job is due; or false, which it also does while workers are suspended (`rq suspend`).
local worker, execution, now, iso, lease_s = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local fair, limits, only = ARGV[6] == '1', cjson.decode(ARGV[7]), ARGV[8]
if redis.call('EXISTS', 'rq:suspended') == 1 then return false end
local lanes, next_due, oldest, since = {}, false, nil, nil
for index = 9, #ARGV do
  local lane = ARGV[index]
  lanes[#lanes + 1] = lane
  local due = promote(lane, now)
  if due and not (next_due and tonumber(next_due) <= tonumber(due)) then next_due = due end
  if fair then
    local head = redis.call('LINDEX', 'rq:queue:' .. lane, 0)
    local submitted = head and read(head).submitted
    if submitted and not (since and since <= submitted) then oldest, since = #lanes, submitted end
  end
end
if oldest then table.insert(lanes, 1, table.remove(lanes, oldest)) end

local looked_at = 0

-- The next job of a lane that may start, or nil. Those that may not end here, or are left out: cancelled or expired,
-- only their id was in the queue.
local function next_of(lane)
  while looked_at < 1000 do
    local id = redis.call('LPOP', 'rq:queue:' .. lane)
    if not id then return nil end
    looked_at = looked_at + 1
    local job = read(id, true)
    job.lane = lane
    if job.status == QUEUED and job.deadline and now >= job.deadline then
      drop(job, 'expired', now, iso)
    elseif job.status == QUEUED and outdated(job) then
      drop(job, 'replaced', now, iso)
    elseif job.status == QUEUED then
      return job
    end
  end
end

local taken = {}
local function lease(job)
  lease_to(job, worker, execution, now, iso, lease_s)
  taken[#taken + 1] = {job.id, job.lane, job.task, job.data or '', job.attempts, job.about or ''}
end

for _, lane in ipairs(lanes) do
  local first = next_of(lane)
  if first and only ~= '' and (first.task ~= only or not sociable(first)) then
    redis.call('LPUSH', 'rq:queue:' .. lane, first.id)
  elseif first then
    local limit = sociable(first) and limits[first.task] or 1
    lease(first)
    while #taken < limit do
      local job = next_of(lane)
      if not job then break end
      if job.task ~= first.task or not sociable(job) then
        redis.call('LPUSH', 'rq:queue:' .. lane, job.id)
        break
      end
      lease(job)
    end
    at_work(worker, first, execution, now, lease_s)
    break
  end
end
write_figures()
if #taken > 0 then return taken end
return next_due
