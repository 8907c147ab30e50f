-- Lease the jobs of the tickets that the broker delivered to a worker. The job store decides, not the ticket.
-- Returns a row for each ticket: TICKET_GRANTED, the attempt, and the job's metadata; TICKET_VOID: the job has ended, or
-- has another ticket; TICKET_SOLO: ask once more, for this one alone; TICKET_EARLY, when it is due, and how often it was
-- started.

-- Whether the broker delivers it again because the worker that held it lost its connection, most likely because it died.
-- Any other ticket for a running job is a copy: published twice, or left behind by an earlier attempt. Another worker may
-- have held it and given it back.
local function is_redelivered_lease(job, ticket)
  return ticket.redelivered == '1' and ticket.nonce == job.nonce
end

-- The answer for one ticket; nil: the job may be leased.
local function refusal(job, ticket, request)
  local now, rq_now = request.times.number, request.times.rq_now
  if job.status == STARTED then
    if not is_redelivered_lease(job, ticket) then return {TICKET_VOID} end
  elseif job.status ~= QUEUED and job.status ~= SCHEDULED then
    return {TICKET_VOID}
  elseif tonumber(ticket.attempt) < job.attempts and ticket.redelivered ~= '1' then
    return {TICKET_VOID}
  end
  if request.batched and not batchable(job) then return {TICKET_SOLO} end
  if job.status == STARTED then
    if not release(job.lane, job.id, job.execution) then return {TICKET_VOID} end
    if job.attempts >= job.max_attempts then
      local problem = lost_problem(job, request.lost_json)
      dead_letter(job, now, rq_now, problem, LOST_TRACEBACK)
      emit('job.failed', job, now, request.times.ts, nil, ',"problem":' .. problem)
      return {TICKET_VOID}
    end
    count(job.task, 'retried')
  elseif job.deadline_ts and now >= job.deadline_ts then
    remove_waiting(job)
    discard(job, 'expired', now, rq_now)
    return {TICKET_VOID}
  elseif superseded(job) then
    remove_waiting(job)
    discard(job, 'replaced', now, rq_now)
    return {TICKET_VOID}
  elseif job.status == SCHEDULED and job.due_ts > now then
    return {TICKET_EARLY, tostring(job.due_ts), job.attempts}
  else
    remove_waiting(job)
  end
end

local function lease_tickets(worker, execution, now, rq_now, lease_end, shown, short, batched, lost_json, tickets)
  local times = times_of(worker, now, rq_now, lease_end)
  local request = {times = times, batched = batched == '1', lost_json = lost_json}
  local answers, jobs, leased = {}, {}, {}
  for number, ticket in ipairs(tickets) do
    local job = not leased[ticket.id] and read(ticket.id)
    -- A second ticket for a job that is leased in this call is a copy.
    answers[number] = job and refusal(job, ticket, request) or not job and {TICKET_VOID}
    if not answers[number] then
      redis.call('HSET', job_key(ticket.id), 'nonce', ticket.nonce)
      leased[ticket.id] = true
      jobs[#jobs + 1] = job
      answers[number] = job
    end
  end
  if not jobs[1] then return answers end
  lease_to(jobs, worker, execution, times)
  show_busy(worker, shown, short == '1', jobs[1], execution, times)
  for number, answer in ipairs(answers) do
    if answer.id then answers[number] = {TICKET_GRANTED, answer.attempts, answer.metadata} end
  end
  return answers
end
