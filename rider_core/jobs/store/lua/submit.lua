-- Accept jobs: all of them, or none where a lane would have too many.
-- Returns for each ACCEPTED; ALREADY_KNOWN: this id was accepted before; NOT_TAKEN_YET: it was, and no worker has started
-- it, so that with a broker its ticket may never have been published. Or, where a lane is full, its name.

-- Whether one of the jobs was accepted before: one command for all, as most often none was.
local function any_known(jobs)
  local hashes = {}
  for number, job in ipairs(jobs) do hashes[number] = job_key(job.id) end
  return redis.call('EXISTS', unpack(hashes)) > 0
end

-- Whether a job takes the place of one that waits: it has the same coalescing key.
local function replaces_waiting(job)
  local older = redis.call('GET', job.pointer)
  local status = older and fields_of(older, 'status')[1]
  return status == QUEUED or status == SCHEDULED
end

local function not_taken_yet(id)
  local job = read(id)
  return job.attempts == 0 and (job.status == QUEUED or job.status == SCHEDULED)
end

local function submit(now, rq_now, jobs)
  local time, single = tonumber(now), #jobs == 1
  local some_known = single or any_known(jobs)
  local coming = {}
  for _, job in ipairs(jobs) do
    job.is_due = tonumber(job.due_ts) <= time
    job.place = job.is_due and waiting_key(job.lane) or scheduled_key(job.lane)
    job.pointer = job.coalescing_key ~= '' and coalescing_pointer(job.queue, job.coalescing_key)
    job.known = some_known and redis.call('EXISTS', job_key(job.id)) == 1
    if not job.known and not (job.pointer and replaces_waiting(job)) then
      coming[job.place] = (coming[job.place] or 0) + 1
    end
  end
  local empty = {}
  for _, job in ipairs(jobs) do
    local number = coming[job.place]
    if number then
      coming[job.place] = nil
      local waiting = job.is_due and waiting_count(job.lane) or redis.call('ZCARD', job.place)
      if waiting + number > MAX_WAITING then return job.lane end
      -- RQ forgets the name of a queue that was emptied, and never that of one that is not empty.
      if waiting == 0 then
        empty[job.place] = true
        redis.call('SADD', queues_key, queue_key(job.lane))
      end
    end
  end
  local answers, seen, batch, emptied = {}, {}, {}, {}
  for _, job in ipairs(jobs) do
    if job.known or seen[job.id] then
      answers[#answers + 1] = job.known and not_taken_yet(job.id) and NOT_TAKEN_YET or ALREADY_KNOWN
    else
      seen[job.id] = true
      if job.pointer then
        if not single then  -- the older job may be in the batch
          append_all(batch, {})
          batch = {}
        end
        local older = redis.call('GET', job.pointer)
        local replaced = older and read(older)
        if replaced and remove_waiting(replaced) then discard(replaced, 'replaced', time, rq_now) end
        redis.call('SET', job.pointer, job.id, 'EX', COALESCING_TTL_S)
      end
      redis.call('HSET', job_key(job.id), 'status', QUEUED, 'origin', job.lane, 'created_at', rq_now, 'data', job.data,
        'metadata', job.metadata)
      count(string.match(job.metadata, '^[^|]*'), 'accepted')
      emit_json(job.event, job.id, job.streams == '1')
      if not job.is_due then
        schedule(job, job.due_ts)
      elseif single then
        deliver(job, now, rq_now, empty[job.place])
      else
        collect(batch, job, now)
        if empty[job.place] then emptied[job.queue] = true end
      end
      answers[#answers + 1] = ACCEPTED
    end
  end
  append_all(batch, emptied)
  return answers
end
