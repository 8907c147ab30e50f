-- A scheduler is about to submit the job of a due time. Returns FIRST, AGAIN, UNKNOWN or GONE.
local function begin(id, due, revision, now, known_s)
  if not is_unchanged(id, due, revision) then return GONE end
  local begun = tonumber(redis.call('HGET', schedule_key(id), 'begun') or '')
  if begun then return tonumber(now) - begun < tonumber(known_s) and AGAIN or UNKNOWN end
  redis.call('HSET', schedule_key(id), 'begun', now)
  return FIRST
end
