-- Store a schedule. Returns STORED, OTHER_REVISION or TOO_MANY.
local function put(id, data, due, replaced, limit)
  local key = schedule_key(id)
  local present = redis.call('HGET', key, 'revision') or '0'
  if replaced ~= '' and replaced ~= present then return OTHER_REVISION end
  if present == '0' and redis.call('SCARD', ids_key) >= tonumber(limit) then return TOO_MANY end
  -- One counter for all schedules, so that a revision is never given twice, even if a schedule is removed and added again.
  redis.call('HSET', key, 'schedule', data, 'revision', redis.call('INCR', revisions_key))
  redis.call('HDEL', key, 'problem', 'begun')
  redis.call('SADD', ids_key, id)
  if due == '' then redis.call('ZREM', due_key, id) else redis.call('ZADD', due_key, due, id) end
  announce_change()
  return STORED
end
