-- A worker has had nothing to do for a while: let RQ's record of it say so.
local function mark_idle(worker)
  local record = record_of(worker)
  if record then
    forget_execution(worker)
    redis.call('HSET', record, 'state', 'idle')
  end
  return 1
end
