-- Adds a silence and removes those that have ended.
-- KEYS: silences, audit. ARGV: now, until, id, json, cap, audit words. Returns 1, or 0:
-- full.
-- include "plan.lua"
local all = redis.call('HGETALL', KEYS[1])
local last, left, gone = tonumber(ARGV[2]), 0, {}
for i = 1, #all, 2 do
  local ok, s = pcall(cjson.decode, all[i + 1])
  local ends = ok and type(s) == 'table' and tonumber(s['until']) or 0
  if not (ends > tonumber(ARGV[1])) then gone[#gone + 1] = all[i]
  else last, left = math.max(last, ends), left + 1 end
end
if left >= tonumber(ARGV[5]) then return 0 end
for _, id in ipairs(gone) do will('HDEL', KEYS[1], id) end
will('HSET', KEYS[1], ARGV[3], ARGV[4])
-- At most ten years from now: a damaged silence may end at 1e300.
last = math.min(last, ARGV[1] + 315360000000)
local ttl = last - ARGV[1] + 86400000
will('PEXPIRE', KEYS[1], string.format('%.0f', ttl))
will(unpack(ARGV, 6))
return commit(1)
