-- Writes meta, keeping the time of creation. KEYS: meta. ARGV: now, fields and values.
-- include "plan.lua"
local created = redis.call('HGET', KEYS[1], 'created') or ARGV[1]
will('HSET', KEYS[1], 'created', created, unpack(ARGV, 2))
return commit(1)
