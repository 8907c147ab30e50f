-- Put the next due time in the place of this one. Returns 1, or 0 where the schedule was changed.
local function advance(id, due, revision, next_due, submitted_ts, late, missed, changed)
  if not is_unchanged(id, due, revision) then return 0 end
  local key = schedule_key(id)
  redis.call('ZADD', due_key, next_due, id)
  redis.call('HDEL', key, 'begun')
  if changed ~= '' then redis.call('HSET', key, 'schedule', changed) end
  if submitted_ts ~= '' then
    redis.call('HSET', key, 'last_due_ts', due, 'last_fired_ts', submitted_ts)
    redis.call('HINCRBY', key, 'fired', 1)
    redis.call('HINCRBY', key, 'late', late)
  end
  redis.call('HINCRBY', key, 'missed', missed)
  return 1
end
