-- Ends a silence. KEYS: silences, audit. ARGV: id, audit words. Returns 1, or 0: no such
-- silence.
-- include "plan.lua"
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
will('HDEL', KEYS[1], ARGV[1])
will(unpack(ARGV, 2))
return commit(1)
