-- Put the next due time in the place of this one.
-- ARGV: id, due time, revision, next due time, when its job was handed over ('': it was not), 1: that was late, how many
--       due times go by without a job, the schedule in JSON ('': it stays as it is).
-- Returns 0 where somebody else was faster, or it was changed.
local id, key = ARGV[1], key_of(ARGV[1])
if not stands(id, ARGV[2], ARGV[3]) then return 0 end
redis.call('ZADD', DUE, ARGV[4], id)
redis.call('HDEL', key, 'begun')
if ARGV[8] ~= '' then redis.call('HSET', key, 'schedule', ARGV[8]) end
if ARGV[5] ~= '' then
  redis.call('HSET', key, 'last_due_ts', ARGV[2], 'last_fired_ts', ARGV[5])
  redis.call('HINCRBY', key, 'fired', 1)
  redis.call('HINCRBY', key, 'late', ARGV[6])
end
redis.call('HINCRBY', key, 'missed', ARGV[7])
return 1
