-- With a broker: lease the jobs of the tickets that a worker was handed. The ledger decides, not the ticket.
-- args: worker, execution id, now, now as RQ writes it, when the leases end, what RQ's record of the worker shows,
--       whether the jobs are short ('1'), problem for a lost job in JSON, then for each ticket: id, attempt, whether it was in somebody's hands before ('1').
-- Returns for each the attempt that it is and `codec.Told` in one field; 0: nothing is to be done any more, or another
-- ticket for it is on its way; or when it is due, as a string: too early.
local function claim_one(job, attempt, redelivered, claimant)
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
  lease_to(job, claimant.worker, claimant.execution, claimant.times)
  claimant.first = claimant.first or job
  return {job.attempts, job.about}
end

local function claim(args)
  local times = times_of(args[1], args[3], args[4], args[5])
  local claimant, answers = {worker = args[1], execution = args[2], times = times, lost = args[8]}, {}
  for at = 9, #args, 3 do
    answers[#answers + 1] = claim_one(read(args[at]), tonumber(args[at + 1]), args[at + 2] == '1', claimant)
  end
  if claimant.first then at_work(args[1], args[6], args[7] == '1', claimant.first, args[2], times) end
  return answers
end
