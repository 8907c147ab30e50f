-- With a broker: forget jobs whose tickets it did not take; their submission was refused. args: the ids.
local function withdraw(args)
  for _, id in ipairs(args) do
    local job = read(id)
    if job.attempts == 0 and leave(job) then
      redis.call('DEL', job_key(id))
      count(job.task, 'withdrawn')
    end
  end
  return 1
end
