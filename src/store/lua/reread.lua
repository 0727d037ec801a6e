-- Makes a partition be read again from an offset: a new epoch fences its owner, panes
-- that are not sealed are deleted.
-- KEYS: part, unreadable:part..., unreadable, audit, panes, offsets. ARGV: epoch as read,
-- name, wall ms, ttl, offset, progress, prefix of panes, partition, start of the first
-- pane that is not sealed or '-inf', audit words. Returns 1, or 0: the epoch changed.
-- include "plan.lua"
if (redis.call('HGET', KEYS[1], 'epoch') or '0') ~= ARGV[1] then return 0 end
local was = redis.call('HMGET', KEYS[1], 'champion', 'shadows')
local starts = redis.call('ZRANGEBYSCORE', KEYS[5], ARGV[9], '+inf')
redis.call('ZCARD', KEYS[6])
if redis.call('EXISTS', KEYS[1]) == 1 then
  local to = KEYS[2]
  if redis.call('EXISTS', to) == 1 then to = to .. ':' .. ARGV[3] end
  will('RENAME', KEYS[1], to)
  will('PEXPIRE', to, ARGV[4])
end
local t = redis.call('TIME')
local epoch = math.max(tonumber(t[1]) * 1000000 + tonumber(t[2]),
                       (tonumber(ARGV[1]) or 0) + 1)
will('HSET', KEYS[1], 'owner', 'repair', 'epoch', string.format('%.0f', epoch),
           'claimed', ARGV[3], 'idle', '0', 'champion', was[1] or '0',
           'champion_since', ARGV[5], 'shadows', was[2] or '',
           'next_offset', ARGV[5], 'progress', ARGV[6])
for _, m in ipairs(starts) do
  local start, number = string.match(m, '^(-?%d+):(%d+)$')
  if number == ARGV[8] then
    will('UNLINK', ARGV[7] .. m)
    will('ZREM', KEYS[5], m)
    will('ZREMRANGEBYSCORE', KEYS[6], start, start)
  end
end
will('HSET', KEYS[3], ARGV[2], ARGV[3] .. ' read again from offset ' .. ARGV[5])
will('PEXPIRE', KEYS[3], ARGV[4])
will(unpack(ARGV, 10))
return commit(1)
