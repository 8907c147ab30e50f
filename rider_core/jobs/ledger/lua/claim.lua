-- With a broker: lease the jobs of the tickets that a worker was handed. The ledger decides, not the ticket.
-- args: worker, execution id, now, now as RQ writes it, when the leases end, what RQ's record of the worker shows,
--       whether the jobs are short ('1'), problem for a lost job in JSON, then for each ticket: id, attempt, whether it was in somebody's hands before ('1').
-- Returns for each the attempt that it is and `codec.Told` in one field; 0: nothing is to be done any more, or another
-- ticket for it is on its way; or when it is due, as a string: too early.

-- What is answered for one ticket; nil: the job may be leased.
local function objection(job, attempt, redelivered, claimant)
  local now, iso = claimant.times.number, claimant.times.iso
  if job.status == STARTED then
    -- Whoever had it lost the broker, most likely because it died. A second ticket for a running job is a copy.
    if not redelivered or not release(job.lane, job.id, job.execution) then return 0 end
    if job.attempts >= job.max_attempts then
      bury(job, now, iso, claimant.lost)
      tell('job.failed', job, now, claimant.times.ts, nil, ',"problem":' .. claimant.lost)
      return 0
    end
    count(job.task, 'retried')
  elseif job.status ~= QUEUED and job.status ~= SCHEDULED then
    return 0
  elseif attempt < job.attempts and not redelivered then
    return 0
  elseif job.deadline and now >= job.deadline then
    leave(job)
    drop(job, 'expired', now, iso)
    return 0
  elseif outdated(job) then
    leave(job)
    drop(job, 'replaced', now, iso)
    return 0
  elseif job.status == SCHEDULED and job.due > now then
    return tostring(job.due)
  else
    leave(job)
  end
end

local function claim(args)
  local times = times_of(args[1], args[3], args[4], args[5])
  local claimant, answers, jobs, leased = {times = times, lost = args[8]}, {}, {}, {}
  for at = 9, #args, 3 do
    local id = args[at]
    local job = not leased[id] and read(id)
    -- A second ticket for a job that is being leased here is a copy.
    local answer = job and objection(job, tonumber(args[at + 1]), args[at + 2] == '1', claimant) or not job and 0
    if not answer then
      leased[id] = true
      jobs[#jobs + 1] = job
    end
    answers[#answers + 1] = answer or job
  end
  if not jobs[1] then return answers end
  lease_to(jobs, args[1], args[2], times)
  at_work(args[1], args[6], args[7] == '1', jobs[1], args[2], times)
  for number, answer in ipairs(answers) do
    if type(answer) == 'table' then answers[number] = {answer.attempts, answer.about} end
  end
  return answers
end
