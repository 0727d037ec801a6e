-- Makes a version champion by order of a person.
-- KEYS: models, audit, monitor. ARGV: version, prefix of model keys, wall ms, who,
-- reason, cap of the audit. Returns 1, or 0 when the version does not exist.
-- include "plan.lua"
-- include "set_champion.lua"
local since = redis.call('HGET', KEYS[3], 'sealed_until') or '0'
if redis.call('EXISTS', ARGV[2] .. ARGV[1]) == 0 then return 0 end
set_champion(KEYS[1], ARGV[2], ARGV[1], since, ARGV[3])
will('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', 'what', 'promoted',
     'who', ARGV[4], 'detail', 'version ' .. ARGV[1] .. ': ' .. ARGV[5],
     'event', since, 'at', ARGV[3])
return commit(1)
