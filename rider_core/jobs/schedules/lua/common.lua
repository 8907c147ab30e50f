-- What the other scripts share; put in front of each of them.
-- DUE is rq-scheduler's sorted set: ids of schedules, scored by when they are due next. Those that are paused or broken
-- are not in it. KNOWN is the set of all ids.

local function key_of(id) return 'rider:schedule:' .. id end

-- Somebody waits for what is due next.
local function ring() redis.call('XADD', BELL, 'MAXLEN', 1, '*', 'changed', '1') end

-- Whether the schedule is still due then, and still the one that the caller has read. One that is no hash, or has no
-- revision, was read as one with an empty one.
local function stands(id, due, revision)
  local present = redis.pcall('HGET', key_of(id), 'revision')
  return tonumber(redis.call('ZSCORE', DUE, id) or '') == tonumber(due)
    and (type(present) == 'string' and present or '') == revision
end
