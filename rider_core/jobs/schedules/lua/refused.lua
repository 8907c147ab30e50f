-- The attempt came to nothing, and the one who began it knows that. ARGV: id, due time, revision.
if stands(ARGV[1], ARGV[2], ARGV[3]) then redis.call('HDEL', key_of(ARGV[1]), 'begun') end
