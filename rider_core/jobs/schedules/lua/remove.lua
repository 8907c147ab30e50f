-- Delete a schedule. Returns 0 where there was none.
local function remove(id)
  redis.call('DEL', schedule_key(id))
  redis.call('ZREM', due_key, id)
  announce_change()
  return redis.call('SREM', ids_key, id)
end
