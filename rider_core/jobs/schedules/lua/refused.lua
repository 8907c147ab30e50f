-- The job of a due time was certainly not accepted.
local function refused(id, due, revision)
  if is_unchanged(id, due, revision) then redis.call('HDEL', schedule_key(id), 'begun') end
  return 1
end
