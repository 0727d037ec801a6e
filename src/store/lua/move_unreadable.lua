-- Moves an unreadable pane away, in the epoch of the partition's owner.
-- KEYS: part, pane, unreadable:<start>:<p>, unreadable. ARGV: epoch, field and text of
-- the note, ttl ms. Returns 1, or 0 when the epoch differs.
-- include "plan.lua"
-- include "unreadable.lua"
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
move_unreadable(KEYS[2], KEYS[3], KEYS[4], ARGV[2], ARGV[3], ARGV[4])
return commit(1)
