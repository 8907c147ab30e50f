-- Delete jobs whose tickets the broker did not take; their submission was refused.
local function withdraw(ids)
  for _, id in ipairs(ids) do
    local job = read(id)
    if job.attempts == 0 and remove_waiting(job) then
      redis.call('DEL', job_key(id))
      count(job.task, 'withdrawn')
    end
  end
  return 1
end
