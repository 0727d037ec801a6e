-- Deletes unreadable:<name> and its note.
-- KEYS: unreadable:<name>, unreadable, audit. ARGV: name, audit words.
-- Returns how many of the two existed.
-- include "plan.lua"
local was = redis.call('EXISTS', KEYS[1]) + redis.call('HEXISTS', KEYS[2], ARGV[1])
if was == 0 then return 0 end
will('DEL', KEYS[1])
will('HDEL', KEYS[2], ARGV[1])
will(unpack(ARGV, 2))
return commit(was)
