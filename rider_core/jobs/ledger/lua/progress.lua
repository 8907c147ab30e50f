-- Keep what came of some items of a running batch. What an item had before, from an earlier attempt, is replaced.
-- ARGV: id, execution, now, provider, mock, then for each item: its number and its outcome: 1 and the result, or 0 and
--       the problem, in JSON.
-- Returns 1, or 0 where the lease was lost.
local id, execution, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local job, items = read(id), items_key(id)
if not redis.call('ZSCORE', 'rq:wip:' .. (job.lane or ''), id .. ':' .. execution) then return 0 end
local done, failed = 0, 0
for index = 6, #ARGV, 2 do
  local before = job.attempts > 1 and redis.call('HGET', items, ARGV[index])
  if before then failed = failed - 1 end
  if string.byte(ARGV[index + 1]) == 49 then done = done + 1 else failed = failed + 1 end
end
redis.call('HSET', items, unpack(ARGV, 6))
done = redis.call('HINCRBY', job_key(id), 'items_done', done)
failed = redis.call('HINCRBY', job_key(id), 'items_failed', failed)
if done + failed < job.items then
  tell('job.progress', job, now, {worker = cjson.encode(job.worker), provider = cjson.encode(ARGV[4]),
    mock = ARGV[5] == '1' and 'true' or 'false', done = done, failed = failed})
end
return 1
