-- Starts a partition again after its topic was recreated. Offsets begin again, and the
-- offsets kept for trainings belong to the old topic.
-- KEYS: part, offsets:<p>, audit. ARGV: epoch, stored next_offset, new next_offset, cap
-- of the audit, who, detail, wall ms, progress.
-- Returns {1}, or {0, what Redis has instead}.
-- include "plan.lua"
local h = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset')
if h[1] ~= ARGV[1] then return {0, 'epoch ' .. (h[1] or 'none')} end
if h[2] == ARGV[3] then return {1} end
if h[2] ~= ARGV[2] then return {0, 'next_offset ' .. (h[2] or 'none')} end
will('HSET', KEYS[1], 'next_offset', ARGV[3], 'progress', ARGV[8])
will('DEL', KEYS[2])
will('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'what', 'topic_recreated',
     'who', ARGV[5], 'detail', ARGV[6], 'event', '0', 'at', ARGV[7])
return commit({1})
