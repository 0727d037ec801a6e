-- A list of writes that only the holder of the newest fencing token may make.
-- KEYS: fence, monitor, then every key among the words. ARGV: token, sealed_until as
-- loaded, id of the step or '' (then sealed_until is not compared), then operations:
-- number of words, words. An operation is a Redis command, or NOW, HISTORY, FORGET,
-- UNREADABLE, PROMOTE, which are defined below.
-- Returns {'OK'}; {'AGAIN'}, this step is already written; {'FENCED', why};
-- {'NOTFOUND', version}.
-- include "plan.lua"
-- include "set_champion.lua"
-- include "unreadable.lua"
local token = redis.call('GET', KEYS[1])
if token ~= ARGV[1] then return {'FENCED', 'token ' .. (token or 'none')} end
if ARGV[3] ~= '' then
  local d = redis.call('HMGET', KEYS[2], 'sealed_until', 'step')
  if d[2] == ARGV[3] then return {'AGAIN'} end
  if (d[1] or '') ~= ARGV[2] then
    return {'FENCED', 'sealed_until ' .. (d[1] or 'none')}
  end
end
local op, now = {}, {}
-- NOW key field value...: part of a hash that ends up with no other fields.
op.NOW = function(i, n)
  local key = ARGV[i + 1]
  will('HSET', key, unpack(ARGV, i + 2, i + n - 1))
  now[key] = now[key] or {}
  for j = i + 2, i + n - 2, 2 do now[key][ARGV[j]] = true end
end
-- HISTORY key cap ms carry field value...: ids must grow. `carry` not '': the figures of
-- columns are those of the entry before, because charts draw an absent field as 0. A time that has an entry is skipped;
-- newer entries come from a clock that was reverted, and are deleted. The stream
-- remembers its largest id, and from version 7 on the largest deleted id, and accepts
-- no id below them; XSETID lowers both.
op.HISTORY = function(i, n)
  local key, ms = ARGV[i + 1], ARGV[i + 3]
  local last = redis.call('XREVRANGE', key, ms, '-', 'COUNT', 1)[1]
  local from = '(' .. ms .. '-18446744073709551615'
  repeat
    local page = redis.call('XRANGE', key, from, '+', 'COUNT', 100)
    for _, e in ipairs(page) do will('XDEL', key, e[1]) from = '(' .. e[1] end
  until #page < 100
  if last or redis.call('EXISTS', key) == 1 then
    if redis.REDIS_VERSION_NUM then
      local most = '18446744073709551615'
      will('XSETID', key, most .. '-' .. most, 'MAXDELETEDID', '0-1')
    end
    will('XSETID', key, last and last[1] or '0-1')
  end
  if not last or tonumber(string.match(last[1], '^%d+')) < tonumber(ms) then
    local fields = {unpack(ARGV, i + 5, i + n - 1)}
    local old = ARGV[i + 4] ~= '' and last and last[2] or {}
    for j = 1, #old, 2 do
      if #fields < 7600 and string.find(old[j], ':.*:') then
        fields[#fields + 1] = old[j]
        fields[#fields + 1] = old[j + 1]
      end
    end
    will('XADD', key, 'MAXLEN', '~', ARGV[i + 2], ms .. '-0', unpack(fields))
  end
end
-- FORGET index prefix limit: panes that started before the limit.
op.FORGET = function(i)
  local old = redis.call('ZRANGEBYSCORE', ARGV[i + 1], '-inf', '(' .. ARGV[i + 3],
                         'LIMIT', 0, 1000)
  for _, name in ipairs(old) do
    tidy({'UNLINK', ARGV[i + 2] .. name}, {'ZREM', ARGV[i + 1], name})
  end
end
-- UNREADABLE pane to notes field note ttl: moves a pane away.
op.UNREADABLE = function(i) move_unreadable(unpack(ARGV, i + 1, i + 6)) end
-- PROMOTE models prefix version since wall: the version exists, or this list stores it.
op.PROMOTE = function(i)
  local key = ARGV[i + 2] .. ARGV[i + 3]
  local there = redis.call('EXISTS', key) == 1
  for _, c in ipairs(plan) do there = there or c[2] == key end
  if not there then return {'NOTFOUND', ARGV[i + 3]} end
  set_champion(unpack(ARGV, i + 1, i + 5))
end
local i = 4
while i <= #ARGV do
  local n, own = tonumber(ARGV[i]), op[ARGV[i + 1]]
  local stop = nil
  if own then stop = own(i + 1, n)
  else will(unpack(ARGV, i + 1, i + n)) end
  if stop then return stop end
  i = i + 1 + n
end
for key, named in pairs(now) do only(key, named) end
return commit({'OK'})
