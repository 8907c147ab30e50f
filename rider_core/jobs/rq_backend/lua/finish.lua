-- Commit what came of a running job; only whoever holds its lease may.
-- ARGV: id, RQ's queue, execution, worker, now, now as RQ writes it, outcome, provider, mock, result or problem in JSON,
--       traceback, seconds until it may be tried again. Outcome: done; failed (may be tried again); hopeless (may not); expired.
-- Returns 1, or 0 where the lease was lost and nothing was committed.
local id, rq_queue, execution, worker = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now, iso, outcome, provider, mock = tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local body, traceback, delay = ARGV[10], ARGV[11], tonumber(ARGV[12])
local job, record = job_key(id), record_of(worker)
if not release(id, rq_queue, execution, worker) then return 0 end
redis.call('HSET', job, 'provider', provider, 'mock', mock)
local about = {worker = worker, provider = provider, mock = mock == '1'}
if outcome == 'done' then
  if record then redis.call('HINCRBY', record, 'successful_job_count', 1) end
  redis.call('HSET', job, 'status', FINISHED, 'ended_at', iso, 'ended_ts', now, 'result', body)
  redis.call('HDEL', job, 'problem')
  conclude(id, rq_queue, 'finished', RESULT_TTL_S, now)
  tell('job.done', id, now, about)
  return 1
end
if outcome == 'expired' then
  expire(id, rq_queue, now, iso)
  return 1
end
if record then redis.call('HINCRBY', record, 'failed_job_count', 1) end
redis.call('HSET', job, 'exc_info', traceback)
if outcome == 'failed' and try_again(id, rq_queue, delay, body, now) then return 1 end
bury(id, rq_queue, now, iso, body)
about.problem = cjson.decode(body)
tell('job.failed', id, now, about)
return 1
