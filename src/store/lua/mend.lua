-- Moves keys of the wrong type, and streams that can take no more entries, to
-- unreadable:<name>.
-- KEYS: unreadable, audit, then key and new name of each. ARGV: wall ms, ttl ms, who, cap
-- of the audit, 1 to report only, then type ('!': move it whatever it holds) and name of
-- each. Returns name and reason of each key that was, or would be, moved.
-- include "plan.lua"
local function odd(key, want)
  local is = redis.call('TYPE', key)['ok']
  if is == 'none' then return nil end
  if want == '!' then return 'moved away by a person' end
  if is ~= want then
    return 'the key holds a ' .. is .. ' instead of a ' .. want
  end
  if is == 'stream' then
    local e = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
    if e and tonumber(string.match(e[1], '^%d+')) > 2^53 then
      return 'entry ' .. e[1] .. ' leaves no room for a later id'
    end
  end
end
local moved, found, seen = {}, {}, {}
for i = 3, #KEYS, 2 do
  -- a version may be listed twice
  local name = ARGV[i + 4]
  local why = not seen[name] and odd(KEYS[i], ARGV[i + 3])
  seen[name] = true
  if why then
    found[#found + 1] = name
    found[#found + 1] = why
  end
  if why and ARGV[5] == '' then
    local to = KEYS[i + 1]
    if redis.call('EXISTS', to) == 1 then to = to .. ':' .. ARGV[1] end
    will('RENAME', KEYS[i], to)
    will('PEXPIRE', to, ARGV[2])
    moved[#moved + 1] = {name, why}
  end
end
for _, m in ipairs(moved) do
  will('HSET', KEYS[1], m[1], ARGV[1] .. ' ' .. m[2])
  will('PEXPIRE', KEYS[1], ARGV[2])
  will('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'what', 'unreadable',
             'who', ARGV[3], 'detail', m[1] .. ': ' .. m[2], 'event', '0',
             'at', ARGV[1])
end
return commit(found)
