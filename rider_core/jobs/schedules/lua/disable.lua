-- Disable a schedule that cannot work. Returns 1, or 0 where it was changed.
local function disable(id, due, revision, problem)
  if not is_unchanged(id, due, revision) then return 0 end
  redis.call('ZREM', due_key, id)
  -- A key of another type takes no fields; `ScheduleStore` shows what it is.
  redis.pcall('HSET', schedule_key(id), 'problem', problem)
  redis.pcall('HDEL', schedule_key(id), 'begun')
  return 1
end
