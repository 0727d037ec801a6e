-- Moves an unreadable pane to a key of its own and notes why. A pane that is already
-- gone is only noted.
local function move_unreadable(pane, to, notes, field, note, ttl)
  if redis.call('EXISTS', pane) == 1 then
    will('RENAME', pane, to)
    will('PEXPIRE', to, ttl)
  end
  will('HSET', notes, field, note)
  will('PEXPIRE', notes, ttl)
end
