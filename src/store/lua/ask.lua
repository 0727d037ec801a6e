-- Queues a request by a person and keeps the newest `cap`, in case no process leads.
-- KEYS: asks. ARGV: text, cap.
-- include "plan.lua"
will('RPUSH', KEYS[1], ARGV[1])
will('LTRIM', KEYS[1], '-' .. ARGV[2], '-1')
return commit(1)
