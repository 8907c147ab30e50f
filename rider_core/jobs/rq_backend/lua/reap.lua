-- Take back the jobs of workers that died: their leases have run out. A job goes to the front of its queue, or, when it
-- has no attempt left, to the dead letters. What RQ's registries say of jobs that are long forgotten is swept out, too.
-- ARGV: now, now as RQ writes it, problem in JSON, then RQ's queues.
-- Returns how many.
local now, iso, problem = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local count = 0
for index = 4, #ARGV do
  local rq_queue = ARGV[index]
  local wip = 'rq:wip:' .. rq_queue
  for _, registry in ipairs({'finished', 'canceled', 'failed'}) do
    redis.call('ZREMRANGEBYSCORE', 'rq:' .. registry .. ':' .. rq_queue, '-inf', now)
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', wip, '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZREM', wip, member)
    redis.call('DEL', 'rq:execution:' .. member)
    local id, execution = string.match(member, '^(.*):([^:]*)$')
    local fields = redis.call('HMGET', job_key(id), 'status', 'execution')
    if fields[1] == STARTED and fields[2] == execution then
      count = count + 1
      if not try_again(id, rq_queue, 0, problem, now) then
        bury(id, rq_queue, now, iso, problem)
        tell('job.failed', id, now, {problem = cjson.decode(problem)})
      end
    end
  end
end
return count
