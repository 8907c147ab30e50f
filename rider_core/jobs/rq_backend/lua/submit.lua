-- Accept one job. ARGV: id, our queue, RQ's queue, now, when it is due (0: at once), then the fields of its hash.
-- Returns 1: accepted; 0: this id was accepted before; -1: the queue is full.
local id, queue, rq_queue, now, due = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
if redis.call('EXISTS', job_key(id)) == 1 then return 0 end
local waiting = redis.call('LLEN', 'rq:queue:' .. rq_queue) + redis.call('ZCARD', 'rq:scheduled:' .. rq_queue)
if waiting >= MAX_WAITING then return -1 end
redis.call('HSET', job_key(id), unpack(ARGV, 6))
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
