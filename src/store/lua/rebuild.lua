-- Replaces a part hash that cannot be read; the old one moves to unreadable:<name>.
-- KEYS: part, unreadable:part..., unreadable, audit. ARGV: epoch, name, wall ms, why,
-- ttl, owner, next_offset or '', cap of the audit, champion, shadows, tracking.
-- Returns 1, or 0 when another owner has claimed the partition.
-- include "plan.lua"
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
local to = KEYS[2]
if redis.call('EXISTS', to) == 1 then to = to .. ':' .. ARGV[3] end
local since = ARGV[7] == '' and '-1' or ARGV[7]
will('RENAME', KEYS[1], to)
will('PEXPIRE', to, ARGV[5])
will('HSET', KEYS[1], 'owner', ARGV[6], 'epoch', ARGV[1], 'claimed', ARGV[3],
           'idle', '0', 'champion', ARGV[9], 'shadows', ARGV[10],
           'champion_since', since, 'tracking', ARGV[11], 'tracking_since',
           since)
if ARGV[7] ~= '' then will('HSET', KEYS[1], 'next_offset', ARGV[7]) end
will('HSET', KEYS[3], ARGV[2], ARGV[3] .. ' ' .. ARGV[4])
will('PEXPIRE', KEYS[3], ARGV[5])
will('XADD', KEYS[4], 'MAXLEN', '~', ARGV[8], '*', 'what', 'unreadable',
           'who', ARGV[6], 'detail', ARGV[2] .. ': ' .. ARGV[4], 'event', '0',
           'at', ARGV[3])
return commit(1)
