-- Commit the results of attempts; only the holder of a job's lease may. `outcome` is one of `leased_job.Outcome`.
-- Returns for each COMMITTED; LEASE_LOST: nothing was stored; WAITS_AGAIN: it waits for another attempt.

local function has_flag(result, flag) return string.find(result.flags, flag, 1, true) ~= nil end

local function succeed(result, rq_now)
  local id, key, flagged = result.id, job_key(result.id), result.flags ~= ''
  redis.call('HSET', key, 'status', FINISHED, 'ended_at', rq_now, 'provider', result.provider, 'result', result.body)
  if flagged then
    if has_flag(result, IS_MOCK) then redis.call('HSET', key, 'mock', '1') end
    if has_flag(result, IS_RETRY) then
      -- What an earlier attempt left behind.
      if not has_flag(result, IS_MOCK) then redis.call('HDEL', key, 'mock') end
      redis.call('HDEL', key, 'problem')
    end
    if has_flag(result, IS_BATCH) then redis.call('EXPIRE', items_key(id), RESULT_TTL_S) end
    if has_flag(result, HAS_LONG_DATA) then clear_data(id) end
  end
  redis.call('EXPIRE', key, RESULT_TTL_S)
  record_recent(id)
  count(result.task, 'done')
  observe(result.task, 'ran', tonumber(result.ran_s))
  if result.took_s ~= '' then observe(result.task, 'took', tonumber(result.took_s)) end
  emit_json(result.event, id, flagged and has_flag(result, STREAMS))
end

-- Everything but success.
local function end_unsuccessfully(job, worker, result, now, rq_now)
  local outcome = result.outcome
  if outcome == 'released' then
    release_unstarted(job, now)
    return WAITS_AGAIN
  end
  if outcome == 'postponed' then
    postpone(job, tonumber(result.delay_s), now)
    return WAITS_AGAIN
  end
  if outcome == 'expired' then
    discard(job, 'expired', now, rq_now)
    return COMMITTED
  end
  local mock = has_flag(result, IS_MOCK)
  observe(job.task, 'ran', tonumber(result.ran_s))
  redis.call('HSET', job_key(job.id), 'provider', result.provider, 'mock', mock and '1' or '0', 'exc_info',
    result.traceback)
  if outcome == 'failed' and retry(job, tonumber(result.delay_s), result.body, now) then return WAITS_AGAIN end
  dead_letter(job, now, rq_now, result.body, result.rq_traceback)
  local source = cjson.encode(worker)
  local more = string.format(',"worker":%s,"provider":%s,"mock":%s,"problem":%s', source, in_json(result.provider),
    mock and 'true' or 'false', result.body)
  emit('job.failed', job, now, timestamp(now), source, more)
  return COMMITTED
end

-- End the leases. Returns the set of the results whose leases were held.
local function release_all(results)
  local leases, of_lane, held = {}, {}, {}
  for _, result in ipairs(results) do
    local started = started_key(result.lane)
    add_to(leases, started, result.id .. ':' .. result.execution)
    add_to(of_lane, started, result)
  end
  for started, members in pairs(leases) do
    local lease_ends = #members > 1 and redis.call('ZMSCORE', started, unpack(members))
    local released = redis.call('ZREM', started, unpack(members))
    for number, result in ipairs(of_lane[started]) do
      if lease_ends then held[result] = lease_ends[number] and true else held[result] = released == 1 end
    end
  end
  return held
end

local function finish(worker, now, rq_now, forgotten_ts, results)
  local time, held = tonumber(now), release_all(results)
  local answers, done, finished, failed = {}, {}, {}, 0
  for _, result in ipairs(results) do
    local answer = LEASE_LOST
    if not held[result] then
      count(result.task, 'discarded')
    elseif result.outcome == 'done' then
      succeed(result, rq_now)
      add_to(finished, finished_key(result.lane), forgotten_ts, result.id)
      done[#done + 1] = result.id
      answer = COMMITTED
    else
      answer = end_unsuccessfully(read(result.id, result.lane), worker, result, time, rq_now)
      if result.outcome == 'failed' or result.outcome == 'permanent' then failed = failed + 1 end
    end
    answers[#answers + 1] = answer
  end
  call_each('ZADD', finished)
  if done[1] then notify_waiters(done) end
  local record = record_of(worker)
  if record then
    if done[1] then redis.call('HINCRBY', record, 'successful_job_count', #done) end
    if failed > 0 then redis.call('HINCRBY', record, 'failed_job_count', failed) end
  end
  return answers
end
