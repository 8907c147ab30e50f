-- With a broker: lease the jobs of the tickets that a worker was handed. The ledger decides, not the ticket.
-- ARGV: worker, execution id, now, now as RQ writes it, lease in seconds, problem for a lost job in JSON, then for each
--       ticket: id, attempt, whether it was in somebody's hands before ('1').
-- Returns for each the attempt that it is and what `codec.about` wrote; 0: nothing is to be done any more, or another ticket for it is
-- on its way; or when it is due, as a string: too early.
local worker, execution, now, iso, lease = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local lost, first, answers = ARGV[6], nil, {}

local function claim(job, attempt, redelivered)
  if job.status == STARTED then
    -- Whoever had it lost the broker, most likely because it died. A second ticket for a running job is a copy.
    if not redelivered or not release(job, job.execution) then return 0 end
    if job.attempts >= job.max_attempts then
      bury(job, now, iso, lost)
      tell('job.failed', job, now, {problem = lost})
      return 0
    end
    count(job, 'retried')
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
  elseif job.status == SCHEDULED then
    if job.due > now then return tostring(job.due) end
    leave(job)
  else
    leave(job)
  end
  lease_to(job, worker, execution, now, iso, lease)
  first = first or job
  return {job.attempts, job.about}
end

for index = 7, #ARGV, 3 do
  answers[#answers + 1] = claim(read(ARGV[index]), tonumber(ARGV[index + 1]), ARGV[index + 2] == '1')
end
if first then at_work(worker, first, execution, now, lease) end
write_figures()
return answers
