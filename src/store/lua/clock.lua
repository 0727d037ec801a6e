-- The next epoch or fencing token: the server's clock in microseconds, or one more than
-- the last value, whichever is larger. A plain counter would start again after Redis was
-- emptied or restored, and hand out numbers that an old process still holds.
local function tick(last)
  local t = redis.call('TIME')
  local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
  last = tonumber(last or '0') or 0
  if not (last >= 0 and last < 2^53 - 1) then last = 0 end
  return string.format('%.0f', math.max(now, last + 1))
end
