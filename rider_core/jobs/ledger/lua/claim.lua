-- With a broker: lease the jobs of the tickets that a worker was handed. The ledger decides, not the ticket.
-- args: worker, execution id, now, now as RQ writes it, when the leases end, what RQ's record of the worker shows,
--       whether the jobs are short ('1'), whether they will be run together with others ('1'), problem for a lost job in
--       JSON, then for each ticket: id, attempt, nonce, whether it was in somebody's hands before ('1').
-- Returns for each the attempt that it is and `codec.Told` in one field; 0: nothing is to be done any more, or another
-- ticket for it is on its way; -1: once more, alone; or, too early, when it is due and how often it was started, as a
-- string with a space between.
local ALONE = -1

-- Whether it comes from somebody who had it and lost the broker, most likely because it died. Any other ticket for a
-- running job is a copy: published twice, or what an earlier attempt left behind. Somebody else may have held it and
-- given it back.
local function was_leased_for(job, ticket)
  return ticket.redelivered and ticket.nonce == job.nonce
end

-- What is answered for one ticket; nil: the job may be leased.
local function objection(job, ticket, claimant)
  local now, iso = claimant.times.number, claimant.times.iso
  if job.status == STARTED then
    if not was_leased_for(job, ticket) then return 0 end
  elseif job.status ~= QUEUED and job.status ~= SCHEDULED then
    return 0
  elseif ticket.attempt < job.attempts and not ticket.redelivered then
    return 0
  end
  if claimant.together and not sociable(job) then return ALONE end
  if job.status == STARTED then
    if not release(job.lane, job.id, job.execution) then return 0 end
    if job.attempts >= job.max_attempts then
      local lost = lost_with(job, claimant.lost)
      bury(job, now, iso, lost, LOST_TRACE)
      tell('job.failed', job, now, claimant.times.ts, nil, ',"problem":' .. lost)
      return 0
    end
    count(job.task, 'retried')
  elseif job.deadline and now >= job.deadline then
    leave(job)
    drop(job, 'expired', now, iso)
    return 0
  elseif outdated(job) then
    leave(job)
    drop(job, 'replaced', now, iso)
    return 0
  elseif job.status == SCHEDULED and job.due > now then
    return job.due .. ' ' .. job.attempts
  else
    leave(job)
  end
end

local function claim(args)
  local times = times_of(args[1], args[3], args[4], args[5])
  local claimant = {times = times, together = args[8] == '1', lost = args[9]}
  local answers, jobs, leased = {}, {}, {}
  for at = 10, #args, 4 do
    local id = args[at]
    local ticket = {attempt = tonumber(args[at + 1]), nonce = args[at + 2], redelivered = args[at + 3] == '1'}
    local job = not leased[id] and read(id)
    -- A second ticket for a job that is being leased here is a copy.
    local answer = job and objection(job, ticket, claimant) or not job and 0
    if not answer then
      redis.call('HSET', job_key(id), 'nonce', ticket.nonce)
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
