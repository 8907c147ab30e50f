-- With a broker: jobs that nobody has handed out though they have long been waiting, or due. Their tickets are to be
-- published again; a copy does no harm. args: now, what counts as long ago, then the lanes. Returns ids, 100 at most of
-- each lane.
local function overdue(args)
  local now, before, ids = tonumber(args[1]), args[2], {}
  for index = 3, #args do
    local lane = args[index]
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'rq:scheduled:' .. lane, '-inf', before, 'LIMIT', 0, 100)) do
      redis.call('ZREM', 'rq:scheduled:' .. lane, id)
      if fields_of(id, 'status')[1] == SCHEDULED then
        redis.call('HSET', job_key(id), 'status', QUEUED)
        redis.call('ZADD', waiting_key(lane), before, id)
      end
    end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', waiting_key(lane), '-inf', before, 'LIMIT', 0, 100)) do
      if redis.call('EXISTS', job_key(id)) == 1 then
        redis.call('ZADD', waiting_key(lane), now, id)
        ids[#ids + 1] = id
      else
        redis.call('ZREM', waiting_key(lane), id)
      end
    end
  end
  return ids
end
