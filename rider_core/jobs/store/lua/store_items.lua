-- Store the results of some items of a running batch. Returns 1, or 0 where the lease was lost.
local function store_items(id, execution, now, provider, mock, done, failed, chunk)
  local job = read(id)
  if not redis.call('ZSCORE', started_key(job.lane), id .. ':' .. execution) then return 0 end
  redis.call('RPUSH', items_key(id), chunk)
  redis.call('HSET', job_key(id), 'items_done', done, 'items_failed', failed)
  if done + failed < job.items then
    local time, source = tonumber(now), cjson.encode(job.worker)
    local more = string.format(',"worker":%s,"provider":%s,"mock":%s,"done":%s,"failed":%s', source, in_json(provider),
      mock == '1' and 'true' or 'false', done, failed)
    emit('job.progress', job, time, timestamp(time), source, more)
  end
  return 1
end
