-- Takes a partition over.
-- KEYS: part, models, monitor. ARGV: owner, wall ms.
-- Returns {epoch, next_offset or '', champion, shadows, progress or '', last or '',
-- sealed_until or '', tracking}.
-- include "plan.lua"
-- include "clock.lua"
-- include "adopt.lua"
local h = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset', 'progress',
                     'last')
local epoch = tick(h[1])
-- The new owner does not know yet whether the partition is idle.
will('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', epoch, 'claimed', ARGV[2],
     'idle', '0')
local champion, shadows, tracking = adopt(h[2] or '-1', true)
local sealed = redis.call('HGET', KEYS[3], 'sealed_until') or ''
return commit({epoch, h[2] or '', champion, shadows, h[3] or '', h[4] or '',
               sealed, tracking})
