-- A worker that found nothing holds out a hand: the next job that is submitted alone is leased to it in the same step and
-- sent along, so that it need not be woken, ask, and be answered. `hand_key` has what a lease needs; it is gone when
-- something was handed over, and only then.
local function hand_key(worker) return 'rider:hand:' .. worker end
local function hands_key(queue) return 'rider:hands:' .. queue end

-- Args:
--   queues: Their names, with spaces between.
--   execution, lease: What the next attempt is called, and how many seconds it has.
--   limits: How many jobs of a task are taken together, in JSON.
local function hold_out(worker, queues, execution, lease, limits)
  redis.call('SET', hand_key(worker), execution .. '|' .. lease .. '|' .. limits, 'EX', HAND_TTL_S)
  for queue in string.gmatch(queues, '%S+') do
    redis.call('SADD', hands_key(queue), worker)
    redis.call('EXPIRE', hands_key(queue), HAND_TTL_S)
  end
end

-- The hand is still out: who could not reach the worker has forgotten it, and its time runs out.
local function keep_out(worker, queues)
  local ends_soon = redis.call('TTL', hand_key(worker)) < HAND_TTL_S / 2
  if ends_soon then redis.call('EXPIRE', hand_key(worker), HAND_TTL_S) end
  for queue in string.gmatch(queues, '%S+') do
    local forgotten = redis.call('SADD', hands_key(queue), worker) == 1
    if forgotten or ends_soon then redis.call('EXPIRE', hands_key(queue), HAND_TTL_S) end
  end
end

local HANDS_TRIED = 10

-- Lease a job that was just accepted to one that holds out a hand, and send it: what `take` would answer, in a line of
-- JSON, and behind it the job's data. False where nobody has it.
local function hand_over(job, iso)
  for _ = 1, HANDS_TRIED do
    local worker = redis.call('SPOP', hands_key(job.queue))
    if not worker or redis.call('EXISTS', 'rq:suspended') == 1 then return false end
    local hand = redis.call('GET', hand_key(worker))
    local execution, lease, limits = string.match(hand or '', '^([^|]*)|([^|]*)|(.*)$')
    if execution then
      -- By Redis's clock: whoever submits should not decide when a lease ends.
      local time = redis.call('TIME')
      local now = string.format('%d.%06d', time[1], time[2])
      local line = cjson.encode({job.id, job.lane, job.task, execution, job.about, now})
      -- Nobody hears it where the worker has died, or has lost its connection.
      if redis.call('PUBLISH', hand_key(worker), line .. '\n' .. job.data) > 0 then
        redis.call('DEL', hand_key(worker))
        local times = times_of(worker, now, iso, string.format('%d.%06d', time[1] + lease, time[2]))
        lease_to({job}, worker, execution, times)
        local idle = redis.call('HGET', 'rq:worker:' .. worker, 'state') == 'idle'
        local short = (cjson.decode(limits)[job.task] or 1) > 1
        at_work(worker, idle and 'idle' or 'busy', short, job, execution, times)
        return true
      end
    end
  end
  return false
end
