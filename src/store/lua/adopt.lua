-- Adopts the active versions and how they are tracked at `next_offset`, and stores that
-- offset in the same step: a worker that starts there again scores with the same ones.
-- Damaged or missing values change nothing. Returns champion, shadows, and the tracking
-- if it has changed or `all` is set, else false.
-- KEYS[1] part, KEYS[2] models, KEYS[3] monitor.
local function is_tracking(text)
  if text == '' then return true end
  local word, numbers = string.match(text, '^(%l+)( [%d.e+ -]+)$')
  if word ~= 'served' and word ~= 'shadow' then return false end
  local n = 0
  for number in string.gmatch(numbers, '[^ ]+') do
    if not tonumber(number) then return false end
    n = n + 1
  end
  return n % 4 == 0
end
local function adopt(next_offset, all)
  local champion = redis.call('HGET', KEYS[2], 'champion') or ''
  local monitor = redis.call('HMGET', KEYS[3], 'shadows', 'tracking')
  local was = redis.call('HMGET', KEYS[1], 'champion', 'shadows', 'tracking')
  local shadows, tracking = monitor[1] or '', monitor[2] or was[3] or ''
  if not string.match(champion, '^%d+$') then
    champion = string.match(was[1] or '', '^%d+$') or '0'
  end
  if was[1] ~= champion then
    will('HSET', KEYS[1], 'champion', champion, 'champion_since', next_offset)
  end
  if was[2] ~= shadows then will('HSET', KEYS[1], 'shadows', shadows) end
  if tracking ~= was[3] and not is_tracking(tracking) then
    tracking = was[3] or ''
  end
  local changed = was[3] ~= tracking
  if changed then
    will('HSET', KEYS[1], 'tracking', tracking, 'tracking_since', next_offset)
  end
  return champion, shadows, (changed or all) and tracking
end
