-- Take a dead letter back into its queue, with as many attempts as its policy allows. A deadline that has passed is
-- dropped: a person wants it to run. Returns 1, or 0 where it is no dead letter (any more).
local function requeue(id, now, allowed)
  local job, time = read(id), tonumber(now)
  if job.status ~= FAILED or redis.call('ZREM', failed_key(job.lane), id) == 0 then return 0 end
  reset_attempts(job, tonumber(allowed))
  redis.call('HSET', job_key(id), 'status', QUEUED)
  append(job, time)
  count(job.task, 'requeued')
  emit('job.requeued', job, time, timestamp(time))
  return 1
end
