-- Accept jobs: all of them, or none where a queue would be too full.
-- args: now, now as RQ writes it, then for each job: id, lane, queue, when it is due (0: at once), key of which only the
--       newest stays (or empty), whether it has a stream of its own ('1'), data, about, the event that tells of it.
-- Returns for each 1: accepted; 0: this id was accepted before; 2: it was, and nobody has started it, so that, with a
-- broker, its ticket may be one that was never published; or, where a queue is full, its lane.

-- Whether one of the jobs was accepted before: one question for all, as most often none was.
local function any_known(args)
  local hashes = {}
  for at = 3, #args, 9 do hashes[#hashes + 1] = job_key(args[at]) end
  return redis.call('EXISTS', unpack(hashes)) > 0
end

-- Whether a worker with nothing to do has the job already; not one that is long, or too late.
local function handed_over(job, about, data, now, iso)
  if BROKER or #data > MAX_TOLD_BYTES then return false end
  local whole = job_of(job.id, QUEUED, about)
  if whole.deadline and now >= whole.deadline then return false end
  whole.lane, whole.data = job.lane, data
  return hand_over(whole, iso)
end

local ENQUEUE = BROKER and 'ZADD' or 'RPUSH'

local function submit(args)
  local now, iso = tonumber(args[1]), args[2]
  local jobs, coming, rings, answers, seen, queued = {}, {}, {}, {}, {}, {}
  local alone = #args == 11
  local some_known = alone or any_known(args)
  for at = 3, #args, 9 do
    local job = {id = args[at], lane = args[at + 1], queue = args[at + 2], due = tonumber(args[at + 3]), at = at}
    job.where = job.due > now and scheduled_key(job.lane) or waiting_key(job.lane)
    job.pointer = args[at + 4] ~= '' and newest_of(job.queue, args[at + 4])
    job.known = some_known and redis.call('EXISTS', job_key(job.id)) == 1
    local makes_room = false
    if job.pointer and not job.known then
      -- The newest of a key takes the place of the one before.
      local older = redis.call('GET', job.pointer)
      local status = older and fields_of(older, 'status')[1]
      makes_room = status == QUEUED or status == SCHEDULED
    end
    if not job.known and not makes_room then coming[job.where] = (coming[job.where] or 0) + 1 end
    jobs[#jobs + 1] = job
  end
  local empty = {}
  for _, job in ipairs(jobs) do
    local number = coming[job.where]
    if number then
      coming[job.where] = nil
      local waiting = redis.call((BROKER or job.due > now) and 'ZCARD' or 'LLEN', job.where)
      if waiting + number > MAX_WAITING then return job.lane end
      -- RQ forgets the name of a queue that was emptied, and never that of one that is not empty.
      if waiting == 0 then
        empty[job.where] = true
        redis.call('SADD', 'rq:queues', 'rq:queue:' .. job.lane)
      end
    end
  end
  for _, job in ipairs(jobs) do
    local at = job.at
    if job.known or seen[job.id] then
      local before = BROKER and job.known and read(job.id)
      local unseen = before and before.attempts == 0 and (before.status == QUEUED or before.status == SCHEDULED)
      answers[#answers + 1] = unseen and 2 or 0
    else
      seen[job.id] = true
      if job.pointer then
        if not alone then  -- the older one may have come along
          call_each(ENQUEUE, queued)
          queued = {}
        end
        local older = redis.call('GET', job.pointer)
        local replaced = older and read(older)
        if replaced and leave(replaced) then drop(replaced, 'replaced', now, iso) end
        redis.call('SET', job.pointer, job.id, 'EX', NEWEST_TTL_S)
      end
      local about, data = args[at + 7], args[at + 6]
      redis.call('HSET', job_key(job.id), 'status', QUEUED, 'origin', job.lane, 'created_at', iso, 'data', data, 'about',
        about)
      count(string.match(about, '^[^|]*'), 'accepted')
      publish(args[at + 8], job.id, args[at + 5] == '1')
      if job.due > now then
        schedule(job, args[at + 3])
      elseif not (alone and empty[job.where] and handed_over(job, about, data, now, iso)) then
        if alone then enqueue(job, args[1])
        else add_to(queued, job.where, BROKER and args[1] or job.id, BROKER and job.id) end
        -- A worker that sleeps has seen its lanes empty, so it is the first job that has to wake it.
        if empty[job.where] then rings[job.queue] = true end
      end
      answers[#answers + 1] = 1
    end
  end
  if not alone then call_each(ENQUEUE, queued) end
  if not BROKER then
    for queue in pairs(rings) do ring(queue) end
  end
  return answers
end
