-- End a job. One that runs ends here and now: its lease is taken away, so that its result will be discarded, and its
-- worker is told. ARGV: id, now, now as RQ writes it. Returns 1, or 0 where it had ended before.
local id, now, iso = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local fields = redis.call('HMGET', job_key(id), 'status', 'origin', 'execution', 'worker_name')
local status, rq_queue, execution, worker = fields[1], fields[2], fields[3], fields[4]
if status == STARTED then
  if not release(id, rq_queue, execution, worker) then return 0 end
  redis.call('PUBLISH', 'rider:cancel:' .. worker, id)
elseif not leave(id, status, rq_queue) then
  return 0
end
redis.call('HSET', job_key(id), 'status', CANCELED, 'outcome', 'cancelled', 'ended_at', iso, 'ended_ts', now)
conclude(id, rq_queue, 'canceled', RESULT_TTL_S, now)
tell('job.cancelled', id, now)
return 1
