-- End a job. One that runs ends at once: its lease is taken away, so that its result will be discarded, and its worker is
-- told. Returns 1, or 0 where it had ended before.
local function cancel(id, now, rq_now)
  local job = read(id)
  if job.status == STARTED then
    if not release(job.lane, job.id, job.execution) then return 0 end
    redis.call('PUBLISH', cancel_channel(job.worker), job.id)
  elseif not remove_waiting(job) then
    return 0
  end
  discard(job, 'cancelled', tonumber(now), rq_now)
  return 1
end
