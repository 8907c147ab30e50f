-- A worker has had nothing to do for a while: RQ's record of it says so. args: worker.
local function rest(args)
  local record = record_of(args[1])
  if record then
    forget_execution(record)
    redis.call('HSET', record, 'state', 'idle')
  end
  return 1
end
