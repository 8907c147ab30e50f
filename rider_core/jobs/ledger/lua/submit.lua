-- Accept jobs: all of them, or none where a queue would be too full.
-- ARGV: now, now as RQ writes it, then for each job: id, lane, when it is due (0: at once), how long an attempt may
--       run, data, about.
-- Returns for each 1: accepted; 0: this id was accepted before; 2: it was, and nobody has started it, so that, with a
-- broker, its ticket may be one that was never published; or, where a queue is full, its lane.
local now, iso = tonumber(ARGV[1]), ARGV[2]
local jobs, coming, rings, answers = {}, {}, {}, {}
for index = 3, #ARGV, 6 do
  local job = take_apart({id = ARGV[index], lane = ARGV[index + 1], attempts = 0}, ARGV[index + 5])
  job.due, job.at = tonumber(ARGV[index + 2]), index
  job.known = redis.call('EXISTS', job_key(job.id)) == 1
  -- The newest of a key takes the place of the one before.
  if not job.known and not job.newest_key then coming[job.lane] = (coming[job.lane] or 0) + 1 end
  if not job.known and job.newest_key then
    local older = redis.call('GET', newest_of(job.queue, job.newest_key))
    local status = older and redis.call('HGET', job_key(older), 'status')
    if status ~= QUEUED and status ~= SCHEDULED then coming[job.lane] = (coming[job.lane] or 0) + 1 end
  end
  jobs[#jobs + 1] = job
end
for lane, number in pairs(coming) do
  local waiting = waiting_in(lane)
  if waiting + number > MAX_WAITING then return lane end
  -- RQ forgets the name of a queue that was emptied, and never that of one that is not empty.
  if waiting == 0 then redis.call('SADD', 'rq:queues', 'rq:queue:' .. lane) end
end
local seen = {}
for _, job in ipairs(jobs) do
  if job.known or seen[job.id] then
    local before = BROKER and job.known and read(job.id)
    local unseen = before and before.attempts == 0 and (before.status == QUEUED or before.status == SCHEDULED)
    answers[#answers + 1] = unseen and 2 or 0
  else
    seen[job.id] = true
    if job.newest_key then
      local pointer = newest_of(job.queue, job.newest_key)
      local older = redis.call('GET', pointer)
      local replaced = older and read(older)
      if replaced and leave(replaced) then drop(replaced, 'replaced', now, iso) end
      redis.call('SET', pointer, job.id, 'EX', NEWEST_TTL_S)
    end
    redis.call('HSET', job_key(job.id), 'status', QUEUED, 'origin', job.lane, 'created_at', iso, 'timeout',
      ARGV[job.at + 3], 'data', ARGV[job.at + 4], 'about', ARGV[job.at + 5])
    count(job, 'accepted')
    if job.due > now then
      schedule(job, job.due)
      tell('job.accepted', job, now, {due_ts = string.format('%.6f', job.due)})
    else
      -- A worker that sleeps has seen its lanes empty, so it is the first job that has to wake it.
      if enqueue(job, now) == 1 then rings[job.queue] = true end
      tell('job.accepted', job, now)
    end
    answers[#answers + 1] = 1
  end
end
for queue in pairs(rings) do ring(queue) end
write_figures()
return answers
