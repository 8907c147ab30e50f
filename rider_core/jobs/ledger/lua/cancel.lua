-- End a job. One that runs ends here and now: its lease is taken away, so that its result will be discarded, and its
-- worker is told. args: id, now, now as RQ writes it. Returns 1, or 0 where it had ended before.
local function cancel(args)
  local job, now, iso = read(args[1]), tonumber(args[2]), args[3]
  if job.status == STARTED then
    if not release(job.lane, job.id, job.execution) then return 0 end
    redis.call('PUBLISH', 'rider:cancel:' .. job.worker, job.id)
  elseif not leave(job) then
    return 0
  end
  drop(job, 'cancelled', now, iso)
  return 1
end
