-- With a broker: forget jobs whose tickets it did not take; their submission was refused. ARGV: the ids.
for _, id in ipairs(ARGV) do
  local job = read(id)
  if job.attempts == 0 and leave(job) then
    redis.call('DEL', job_key(id))
    count(job, 'withdrawn')
  end
end
write_figures()
return 1
