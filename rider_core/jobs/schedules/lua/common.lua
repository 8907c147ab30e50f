-- Shared by the functions of schedules. In `due_key` is rq-scheduler's sorted set: ids by their next due time; schedules
-- that are paused or broken are not in it.

-- Wake the schedulers, which wait for the next due time.
local function announce_change() redis.call('XADD', changes_key, 'MAXLEN', 1, '*', 'changed', '1') end

-- Whether the schedule is still due then, and still as the caller has read it. One that is no hash, or has no revision,
-- was read as one with an empty revision.
local function is_unchanged(id, due, revision)
  local present = redis.pcall('HGET', schedule_key(id), 'revision')
  return tonumber(redis.call('ZSCORE', due_key, id) or '') == tonumber(due)
    and (type(present) == 'string' and present or '') == revision
end
