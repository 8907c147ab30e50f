-- Take a dead letter back into its queue, with as many attempts as it had at first. A deadline that has passed is
-- dropped: somebody wants it to run. args: id, now, attempts that its policy allows.
-- Returns 1, or 0 where it is no dead letter (any more).
local function requeue(args)
  local id, now, allowed = args[1], tonumber(args[2]), tonumber(args[3])
  local job = read(id)
  if job.status ~= FAILED or redis.call('ZREM', 'rq:failed:' .. job.lane, id) == 0 then return 0 end
  absolve(job, allowed)
  redis.call('HSET', job_key(id), 'status', QUEUED)
  enqueue(job, now)
  if not BROKER then ring(job.queue) end
  count(job.task, 'requeued')
  tell('job.requeued', job, now, timestamp(now))
  return 1
end
