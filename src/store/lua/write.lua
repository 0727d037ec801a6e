-- Checks that Redis accepts a write. KEYS: an unused key.
-- include "plan.lua"
will('SET', KEYS[1], '1', 'PX', '60000')
will('DEL', KEYS[1])
return commit(1)
