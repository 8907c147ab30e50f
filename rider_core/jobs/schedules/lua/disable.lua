-- Take a schedule out that cannot work. ARGV: id, due time, revision, why. Returns 0 where it was changed meanwhile.
local id = ARGV[1]
if not stands(id, ARGV[2], ARGV[3]) then return 0 end
redis.call('ZREM', DUE, id)
-- In another kind of thing nothing can be noted; `ScheduleBook` shows it as what it is.
redis.pcall('HSET', key_of(id), 'problem', ARGV[4])
redis.pcall('HDEL', key_of(id), 'begun')
return 1
