-- Puts a parked delivery back into the outbox.
-- KEYS: outbox, outbox:parked, audit, alerts:notified. ARGV: entry or outbox id, cap of
-- the outbox, receivers that know an alert by its incident, receivers that know it by
-- its labels, audit words.
-- Returns 1; 0: no such delivery; 2: out of date. A firing message is out of date when
-- such a receiver has been sent something newer since; a resolution is, when a newer
-- incident with the same labels is open there.
-- include "plan.lua"
local function stale(f)
  local incident, what, to = string.match(f.id, '^(%x+)%-(%a+)[^@]*@(.+)$')
  local function among(list) return string.find(list, ' ' .. to .. ' ', 1, true) end
  if not to then return false end
  local last = redis.call('HGET', KEYS[4], (f.alert or '') .. '@' .. to) or ''
  local open = string.match(last, '^%x+') or ''
  if open == incident then return false end
  if what == 'resolved' then return open ~= '' and among(ARGV[4]) end
  return among(ARGV[3]) or among(ARGV[4])
end
for _, e in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-')) do
  local f = {}
  for i = 1, #e[2], 2 do f[e[2][i]] = e[2][i + 1] end
  if (e[1] == ARGV[1] or f.id == ARGV[1]) and f.id and f.json then
    if stale(f) then return 2 end
    will('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'id', f.id, 'alert',
         f.alert or '', 'json', f.json)
    will('XDEL', KEYS[2], e[1])
    will(unpack(ARGV, 5))
    return commit(1)
  end
end
return 0
