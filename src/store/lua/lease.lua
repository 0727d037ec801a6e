-- Takes or renews the lease.
-- KEYS: lease, fence. ARGV: who, token held or 0, ttl ms. Returns the token, or ''
-- when another process holds the lease.
-- include "plan.lua"
-- include "clock.lua"
local holder = redis.call('GET', KEYS[1])
-- With a damaged fence every write would be refused.
local mine = holder == ARGV[2] .. ' ' .. ARGV[1]
if mine and redis.call('GET', KEYS[2]) == ARGV[2] then
  will('PEXPIRE', KEYS[1], ARGV[3])
  return commit(ARGV[2])
end
local left = redis.call('PTTL', KEYS[1])
-- A lease without an end, or one that is damaged, is not held.
if holder and not mine and string.match(holder, '^%d+ .') and left > 0 and
    left <= math.max(3600000, 2 * tonumber(ARGV[3])) then
  return ''
end
local token = tick(redis.call('GET', KEYS[2]))
will('SET', KEYS[2], token)
will('SET', KEYS[1], token .. ' ' .. ARGV[1], 'PX', ARGV[3])
return commit(token)
