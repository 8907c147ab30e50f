-- Commit what came of running jobs; only whoever holds a job's lease may.
-- args: worker, now, now as RQ writes it, when what is done now is forgotten, then for each job: id, lane, execution, task, marks, how long it ran and how long it all took in
--       seconds (empty where that is not known), outcome, provider, result or problem in JSON, traceback, the same
--       packed for RQ's tools, seconds until it may be tried again, the event that tells that it is done.
-- Marks: 'm' the provider is a mock; 's' the job has a stream of its own; 'b' it is a batch; 'r' not the first attempt; 'l'
-- what was asked for is long.
-- Outcome: done; failed (may be tried again); hopeless (may not); expired; unstarted (it was not begun: it goes back to
-- the front of its queue, and the attempt does not count); later (the same, but it is due so many seconds from now).
-- Returns for each 1: committed; 0: the lease was lost, and nothing was; 2: it waits for another attempt.

local function mark(marks, letter) return string.find(marks, letter, 1, true) ~= nil end

local function succeed(args, at, iso)
  local id, task, marks, took = args[at], args[at + 3], args[at + 4], args[at + 6]
  local key = job_key(id)
  redis.call('HSET', key, 'status', FINISHED, 'ended_at', iso, 'provider', args[at + 8], 'result', args[at + 9])
  if marks ~= '' then
    if mark(marks, 'm') then redis.call('HSET', key, 'mock', '1') end
    if mark(marks, 'r') then
      -- What an earlier attempt left behind.
      if not mark(marks, 'm') then redis.call('HDEL', key, 'mock') end
      redis.call('HDEL', key, 'problem')
    end
    if mark(marks, 'b') then redis.call('EXPIRE', items_key(id), RESULT_TTL_S) end
    if mark(marks, 'l') then forget_data(id) end
  end
  redis.call('EXPIRE', key, RESULT_TTL_S)
  remember(id)
  count(task, 'done')
  observe(task, 'ran', tonumber(args[at + 5]))
  if took ~= '' then observe(task, 'took', tonumber(took)) end
  publish(args[at + 13], id, marks ~= '' and mark(marks, 's'))
end

-- Everything but success. Returns what `finish` returns for it.
local function part_with(job, worker, args, at, now, iso)
  local outcome, provider, body = args[at + 7], args[at + 8], args[at + 9]
  if outcome == 'unstarted' then
    give_back(job, now)
    return 2
  end
  if outcome == 'later' then
    put_off(job, tonumber(args[at + 12]), now)
    return 2
  end
  if outcome == 'expired' then
    drop(job, 'expired', now, iso)
    return 1
  end
  local mock = mark(args[at + 4], 'm')
  observe(job.task, 'ran', tonumber(args[at + 5]))
  redis.call('HSET', job_key(job.id), 'provider', provider, 'mock', mock and '1' or '0', 'exc_info', args[at + 10])
  if outcome == 'failed' and try_again(job, tonumber(args[at + 12]), body, now) then return 2 end
  bury(job, now, iso, body, args[at + 11])
  local source = cjson.encode(worker)
  local more = string.format(',"worker":%s,"provider":%s,"mock":%s,"problem":%s', source, in_json(provider),
    mock and 'true' or 'false', body)
  tell('job.failed', job, now, timestamp(now), source, more)
  return 1
end

-- End the leases of all. Returns where the attempts stand in `args` that had one: their jobs are still this worker's.
local function release_all(args)
  local leases, places, mine = {}, {}, {}
  for at = 5, #args, 14 do
    local wip = wip_key(args[at + 1])
    add_to(leases, wip, args[at] .. ':' .. args[at + 2])
    add_to(places, wip, at)
  end
  for wip, members in pairs(leases) do
    local lease_ends = #members > 1 and redis.call('ZMSCORE', wip, unpack(members))
    local released = redis.call('ZREM', wip, unpack(members))
    for number, at in ipairs(places[wip]) do
      if lease_ends then mine[at] = lease_ends[number] and true else mine[at] = released == 1 end
    end
  end
  return mine
end

local function finish(args)
  local worker, now, iso, mine = args[1], tonumber(args[2]), args[3], release_all(args)
  local answers, successes, finished, failed = {}, {}, {}, 0
  for at = 5, #args, 14 do
    local outcome, answer = args[at + 7], 0
    if not mine[at] then
      count(args[at + 3], 'discarded')
    elseif outcome == 'done' then
      succeed(args, at, iso)
      add_to(finished, 'rq:finished:' .. args[at + 1], args[4], args[at])
      successes[#successes + 1] = args[at]
      answer = 1
    else
      answer = part_with(read(args[at], args[at + 1]), worker, args, at, now, iso)
      if outcome == 'failed' or outcome == 'hopeless' then failed = failed + 1 end
    end
    answers[#answers + 1] = answer
  end
  call_each('ZADD', finished)
  if successes[1] then wake(successes) end
  local record = record_of(worker)
  if record then
    if successes[1] then redis.call('HINCRBY', record, 'successful_job_count', #successes) end
    if failed > 0 then redis.call('HINCRBY', record, 'failed_job_count', failed) end
  end
  return answers
end
