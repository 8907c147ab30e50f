-- Delete a dead letter. Returns 1, or 0 where it is none.
local function purge(id)
  local job = read(id)
  if job.status ~= FAILED or redis.call('ZREM', failed_key(job.lane), id) == 0 then return 0 end
  redis.call('DEL', job_key(id), items_key(id), results_key(id))
  redis.call('LREM', recent_key, 1, id)
  return 1
end
