-- Reserves the next version number, skipping numbers that exist.
-- KEYS: fence, models. ARGV: token, prefix of model keys. Returns the number, or 0 when
-- the token is not the newest.
-- include "plan.lua"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local n = tonumber(redis.call('HGET', KEYS[2], 'next') or '1')
if not n or not (n >= 1 and n < 4294967295) then n = 1 end
n = math.floor(n)
while redis.call('EXISTS', ARGV[2] .. n) == 1 do n = n + 1 end
will('HSET', KEYS[2], 'next', n + 1)
return commit(n)
