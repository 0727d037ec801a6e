-- Stores an imported model as a new version, by order of a person.
-- KEYS: models, audit, monitor, asks. ARGV: prefix of model keys, wall ms, who, detail of
-- the audit, cap of the audit, 1 if it waits to be tested, cap of the requests, then fields
-- and values of the version. Returns the number.
-- include "plan.lua"
local since = redis.call('HGET', KEYS[3], 'sealed_until') or '0'
local a = redis.call('HMGET', KEYS[1], 'next', 'champion')
local n = tonumber(a[1] or '1')
if not n or not (n >= 1 and n < 4294967295) then n = 1 end
n = math.floor(n)
while redis.call('EXISTS', ARGV[1] .. n) == 1 do n = n + 1 end
will('HSET', KEYS[1], 'next', n + 1)
will('HSET', ARGV[1] .. n, 'version', n, 'parent', string.match(a[2] or '', '^%d+$') or '0',
     'status', 'candidate', 'created', ARGV[2], 'as_of', since, 'promoted', '0',
     unpack(ARGV, 8))
will('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'what', 'imported', 'who', ARGV[3],
     'detail', 'version ' .. n .. ': ' .. ARGV[4], 'event', since, 'at', ARGV[2])
if ARGV[6] == '1' then
  will('HSET', KEYS[1], 'imported', n)
  will('RPUSH', KEYS[4], 'import:' .. n .. ' ' .. ARGV[3])
  will('LTRIM', KEYS[4], '-' .. ARGV[7], '-1')
end
return commit(n)
