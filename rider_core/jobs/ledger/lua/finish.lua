-- Commit what came of running jobs; only whoever holds a job's lease may.
-- ARGV: worker, now, now as RQ writes it, whether the worker has nothing else at hand ('1'), then for each job: id, lane,
--       execution, about, attempt, when it was started, outcome, provider, mock, result or problem in JSON, traceback,
--       seconds until it may be tried again.
-- Outcome: done; failed (may be tried again); hopeless (may not); expired; unstarted (it was not begun: it goes back to
-- the front of its queue, and the attempt does not count).
-- Returns for each 1: committed; 0: the lease was lost, and nothing was; 2: it waits for another attempt.
local worker, now, iso = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local record, answers = record_of(worker), {}
local done, failed = 0, 0

local function commit(job, outcome, provider, mock, body, traceback, delay)
  if outcome ~= 'done' then job = read(job.id) end
  if outcome == 'unstarted' then
    redis.call('HSET', job_key(job.id), 'status', QUEUED, 'attempts', job.attempts - 1)
    enqueue(job, now, true)
    if not BROKER then ring(job.queue) end
    count(job, 'returned')
    return 2
  end
  if outcome == 'expired' then
    drop(job, 'expired', now, iso)
    return 1
  end
  observe(job, 'ran', now - (job.started or now))
  local about = {worker = cjson.encode(worker), provider = cjson.encode(provider), mock = mock == '1' and 'true' or 'false'}
  if outcome == 'done' then
    done = done + 1
    redis.call('HSET', job_key(job.id), 'status', FINISHED, 'ended_at', iso, 'ended_ts', now, 'provider', provider,
      'mock', mock, 'result', body)
    if job.attempts > 1 then redis.call('HDEL', job_key(job.id), 'problem') end
    conclude(job, 'finished', RESULT_TTL_S, now)
    remember(job)
    count(job, 'done')
    if job.submitted then observe(job, 'took', now - job.submitted) end
    tell('job.done', job, now, about)
    return 1
  end
  failed = failed + 1
  redis.call('HSET', job_key(job.id), 'provider', provider, 'mock', mock, 'exc_info', traceback)
  if outcome == 'failed' and try_again(job, delay, body, now) then return 2 end
  bury(job, now, iso, body)
  about.problem = body
  tell('job.failed', job, now, about)
  return 1
end

for index = 5, #ARGV, 12 do
  -- What the worker was told when it took the job is still true while it has the lease.
  local job = take_apart({id = ARGV[index], lane = ARGV[index + 1], attempts = tonumber(ARGV[index + 4]),
    started = tonumber(ARGV[index + 5])}, ARGV[index + 3])
  if release(job, ARGV[index + 2]) then
    answers[#answers + 1] = commit(job, ARGV[index + 6], ARGV[index + 7], ARGV[index + 8], ARGV[index + 9],
      ARGV[index + 10], tonumber(ARGV[index + 11]))
  else
    count(job, 'discarded')
    answers[#answers + 1] = 0
  end
end
if record then
  if ARGV[4] == '1' then at_rest(record) end
  if done > 0 then redis.call('HINCRBY', record, 'successful_job_count', done) end
  if failed > 0 then redis.call('HINCRBY', record, 'failed_job_count', failed) end
end
write_figures()
return answers
