-- Accept one job. ARGV: id, our queue, RQ's queue, now, then the fields of its hash.
-- Returns 1: accepted; 0: this id was accepted before; -1: the queue is full.
local id, queue, rq_queue, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('EXISTS', job_key(id)) == 1 then return 0 end
if redis.call('LLEN', 'rq:queue:' .. rq_queue) >= MAX_WAITING then return -1 end
redis.call('HSET', job_key(id), unpack(ARGV, 5))
redis.call('SADD', 'rq:queues', 'rq:queue:' .. rq_queue)
redis.call('RPUSH', 'rq:queue:' .. rq_queue, id)
ring(queue)
tell('job.accepted', id, now)
return 1
