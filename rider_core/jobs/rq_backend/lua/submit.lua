-- Accept one job.
-- ARGV: id, our queue, RQ's queue, now, now as RQ writes it, when it is due (0: at once), key under which the newest
--       wins (may be empty), then the fields of its hash.
-- Returns 1: accepted; 0: this id was accepted before; -1: the queue is full.
local id, queue, rq_queue, now, iso = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local due, key = tonumber(ARGV[6]), ARGV[7]
if redis.call('EXISTS', job_key(id)) == 1 then return 0 end
local replaces = false
if key ~= '' then
  local older = redis.call('GET', newest_of(queue, key))
  local fields = older and redis.call('HMGET', job_key(older), 'status', 'origin')
  if fields and leave(older, fields[1], fields[2]) then
    replace(older, fields[2], now, iso)
    replaces = true
  end
end
local waiting = redis.call('LLEN', 'rq:queue:' .. rq_queue) + redis.call('ZCARD', 'rq:scheduled:' .. rq_queue)
if waiting >= MAX_WAITING and not replaces then return -1 end
if key ~= '' then redis.call('SET', newest_of(queue, key), id, 'EX', NEWEST_TTL_S) end
redis.call('HSET', job_key(id), unpack(ARGV, 8))
redis.call('SADD', 'rq:queues', 'rq:queue:' .. rq_queue)
if due > now then
  schedule(id, queue, rq_queue, due)
  tell('job.accepted', id, now, {due_ts = due})
else
  redis.call('RPUSH', 'rq:queue:' .. rq_queue, id)
  ring(queue)
  tell('job.accepted', id, now)
end
return 1
