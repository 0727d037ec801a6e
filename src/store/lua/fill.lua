-- Writes a pane that was rebuilt from Kafka.
-- KEYS: pane, panes, unreadable, monitor, audit. ARGV: start, partition, end, ttl, wall
-- ms, number of audit words, audit words, fields and values. Returns 1, or 0 when the
-- pane is not sealed or not marked unreadable.
-- include "plan.lua"
local sealed = tonumber(redis.call('HGET', KEYS[4], 'sealed_until') or '')
if not sealed or sealed < tonumber(ARGV[3]) then return 0 end
local name = ARGV[1] .. ':' .. ARGV[2]
if redis.call('HEXISTS', KEYS[3], name) == 0 then return 0 end
will('ZADD', KEYS[2], ARGV[1], name)
local n = tonumber(ARGV[6])
will('HSET', KEYS[1], unpack(ARGV, 7 + n))
local named = {}
for i = 7 + n, #ARGV, 2 do named[ARGV[i]] = true end
only(KEYS[1], named)
will('PEXPIRE', KEYS[1], ARGV[4])
will('HDEL', KEYS[3], name)
-- The new stamp makes the leader read everything again.
will('HSET', KEYS[4], 'updated', ARGV[5])
will(unpack(ARGV, 7, 6 + n))
return commit(1)
