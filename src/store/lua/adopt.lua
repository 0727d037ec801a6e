-- Adopts the active versions at `next_offset` and stores that offset in the same step:
-- a worker that starts there again scores with the same versions.
-- KEYS[1] part, KEYS[2] models, KEYS[3] monitor.
local function adopt(next_offset)
  local champion = redis.call('HGET', KEYS[2], 'champion') or ''
  local shadows = redis.call('HGET', KEYS[3], 'shadows') or ''
  local was = redis.call('HMGET', KEYS[1], 'champion', 'shadows')
  if not string.match(champion, '^%d+$') then
    champion = string.match(was[1] or '', '^%d+$') or '0'
  end
  if was[1] ~= champion then
    will('HSET', KEYS[1], 'champion', champion, 'champion_since', next_offset)
  end
  if was[2] ~= shadows then will('HSET', KEYS[1], 'shadows', shadows) end
  return champion, shadows
end
