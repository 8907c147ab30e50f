-- Somebody is about to hand over the job of a due time.
-- ARGV: id, due time, revision, now, how long the backend surely knows a job, in seconds.
-- Returns 'gone': somebody else was faster, or it was changed; 'doubtful': an attempt was begun so long ago that the
--         backend may have forgotten its job; 'again': one was begun not long ago; 'first'.
local id, now = ARGV[1], tonumber(ARGV[4])
if not stands(id, ARGV[2], ARGV[3]) then return 'gone' end
local begun = tonumber(redis.call('HGET', key_of(id), 'begun') or '')
if begun then return now - begun < tonumber(ARGV[5]) and 'again' or 'doubtful' end
redis.call('HSET', key_of(id), 'begun', ARGV[4])
return 'first'
