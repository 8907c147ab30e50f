-- Jobs that the broker has not delivered though they have long been waiting, or due. Their tickets are to be published
-- again; a copy does no harm. Returns ids, 100 at most of each lane.
local function lost_tickets(now, long_ago, lanes)
  local ids = {}
  for _, lane in ipairs(lanes) do
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', scheduled_key(lane), '-inf', long_ago, 'LIMIT', 0, 100)) do
      redis.call('ZREM', scheduled_key(lane), id)
      if fields_of(id, 'status')[1] == SCHEDULED then
        redis.call('HSET', job_key(id), 'status', QUEUED)
        redis.call('ZADD', published_key(lane), long_ago, id)
      end
    end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', published_key(lane), '-inf', long_ago, 'LIMIT', 0, 100)) do
      if redis.call('EXISTS', job_key(id)) == 1 then
        redis.call('ZADD', published_key(lane), now, id)
        ids[#ids + 1] = id
      else
        redis.call('ZREM', published_key(lane), id)
      end
    end
  end
  return ids
end
