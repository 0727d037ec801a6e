-- Writes a worker's dirty panes, its progress and its next offset.
-- KEYS: part, models, monitor, offsets, panes, pane... ARGV: epoch, base offset, next
-- offset, expiry ms, pane starts in memory, prefix of pane keys, partition, span of
-- removed panes or '', pane length ms, accepted sealing limit or '', '1' to
-- return the tracking also if it has not changed, number of words, fields and values of
-- the part hash; then for each pane: start, lineage or '', number of arguments, arguments.
-- Returns {1, champion, shadows, sealed_until or '', tracking or nil}; {0, what Redis has
-- instead}; {2, sealed_until} when a pane of this flush is sealed already.
-- include "plan.lua"
-- include "adopt.lua"
local h = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset', 'open')
if h[1] ~= ARGV[1] then return {0, 'epoch ' .. (h[1] or 'none')} end
-- Within one epoch only the owner moves the offset. An offset between base and next is
-- an earlier send of this flush, or of part of it, whose answer was lost.
local at = tonumber(h[2] or '-1')
if not at or at < tonumber(ARGV[2]) or at > tonumber(ARGV[3]) then
  return {0, 'next_offset ' .. (h[2] or 'none')}
end
-- A key of the wrong type fails here, before any write: panes without their offset would
-- count twice.
for i = 4, 5 do redis.call('ZCARD', KEYS[i]) end
for i = 6, #KEYS do redis.call('HLEN', KEYS[i]) end
local fields = 12 + tonumber(ARGV[12])
local sealed = redis.call('HGET', KEYS[3], 'sealed_until') or ''
local until_ms, limit = tonumber(sealed), tonumber(ARGV[10])
if until_ms and limit and until_ms <= limit then
  local i = fields + 1
  while i <= #ARGV do
    if tonumber(ARGV[i]) + tonumber(ARGV[9]) <= until_ms then
      return {2, sealed}
    end
    i = i + 3 + tonumber(ARGV[i + 2])
  end
else
  sealed = ''
end
-- Panes that were open and are neither open nor just closed were removed; so are those of
-- a jump of the clock that was reverted.
local in_memory, removed = ' ' .. ARGV[5] .. ' ', {}
local function remove(start)
  if not string.find(in_memory, ' ' .. start .. ' ', 1, true) then
    will('UNLINK', ARGV[6] .. start .. ':' .. ARGV[7])
    removed[#removed + 1] = start
  end
end
for start in string.gmatch(h[3] or '', '%S+') do remove(start) end
local from, to = string.match(ARGV[8], '(%S+) (%S+)')
if from then
  for _, m in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], from, to)) do
    local start, number = string.match(m, '^(%S+):(%d+)$')
    if number == ARGV[7] then remove(start) end
  end
end
local i, k = fields + 1, 6
while i <= #ARGV do
  local start, lineage, n = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  will('HSET', KEYS[k], unpack(ARGV, i + 3, i + 2 + n))
  if redis.call('EXISTS', KEYS[k]) == 1 then
    local named = {}
    for j = i + 3, i + 2 + n, 2 do named[ARGV[j]] = true end
    only(KEYS[k], named)
  end
  will('PEXPIRE', KEYS[k], ARGV[4])
  will('ZADD', KEYS[5], start, start .. ':' .. ARGV[7])
  if lineage ~= '' then will('ZADD', KEYS[4], start, lineage) end
  for _, line in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], start, start)) do
    if line ~= lineage then tidy({'ZREM', KEYS[4], line}) end
  end
  i, k = i + 3 + n, k + 1
end
for _, start in ipairs(removed) do
  tidy({'ZREM', KEYS[5], start .. ':' .. ARGV[7]})
  tidy({'ZREMRANGEBYSCORE', KEYS[4], start, start})
end
local keep = tonumber(redis.call('HGET', KEYS[3], 'keep_from') or '')
if keep and until_ms and keep < until_ms then
  keep = string.format('%.0f', keep)
  tidy({'ZREMRANGEBYSCORE', KEYS[4], '-inf', '(' .. keep})
end
will('HSET', KEYS[1], unpack(ARGV, 13, fields))
local champion, shadows, tracking = adopt(ARGV[3], ARGV[11] == '1')
return commit({1, champion, shadows, sealed, tracking})
