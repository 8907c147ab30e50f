-- Keep what came of some items of a running batch. args: id, execution, now, provider, mock, how many items have a result
-- and how many failed, these included, and a report (see reports.py).
-- Returns 1, or 0 where the lease was lost.
local function progress(args)
  local id, execution, done, failed = args[1], args[2], args[6], args[7]
  local job = read(id)
  if not redis.call('ZSCORE', wip_key(job.lane or ''), id .. ':' .. execution) then return 0 end
  redis.call('RPUSH', items_key(id), args[8])
  redis.call('HSET', job_key(id), 'items_done', done, 'items_failed', failed)
  if done + failed < job.items then
    local now, source = tonumber(args[3]), cjson.encode(job.worker)
    local more = string.format(',"worker":%s,"provider":%s,"mock":%s,"done":%s,"failed":%s', source, in_json(args[4]),
      args[5] == '1' and 'true' or 'false', done, failed)
    tell('job.progress', job, now, timestamp(now), source, more)
  end
  return 1
end
