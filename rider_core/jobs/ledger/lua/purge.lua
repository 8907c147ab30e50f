-- Forget a dead letter. args: id. Returns 1, or 0 where it is none.
local function purge(args)
  local job = read(args[1])
  if job.status ~= FAILED or redis.call('ZREM', 'rq:failed:' .. job.lane, job.id) == 0 then return 0 end
  redis.call('DEL', job_key(job.id), items_key(job.id), results_key(job.id))
  redis.call('LREM', 'rider:recent', 1, job.id)
  return 1
end
