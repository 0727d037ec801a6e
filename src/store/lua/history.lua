-- Reads the last entry of each slice of time.
-- KEYS: history. ARGV: number of fields, fields, end of the newest slice, width, number
-- of slices, least id. Returns {id, values...} per slice that has an entry, newest first.
local n = tonumber(ARGV[1])
local at, same = {}, {}
for i = 2, n + 1 do
  if at[ARGV[i]] then same[i] = at[ARGV[i]] else at[ARGV[i]] = i end
end
local hi, width = tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
local least = tonumber(ARGV[n + 5])
local rows = {}
for s = 1, tonumber(ARGV[n + 4]) do
  local lo = math.max(hi - width + 1, least)
  local e = redis.call('XREVRANGE', KEYS[1], string.format('%.0f', hi),
    string.format('%.0f', lo), 'COUNT', 1)[1]
  if e then
    local row = {e[1]}
    for i = 2, n + 1 do row[i] = '' end
    local f = e[2]
    for i = 1, #f, 2 do
      local k = at[f[i]]
      if k then row[k] = f[i + 1] end
    end
    for i, j in pairs(same) do row[i] = row[j] end
    rows[#rows + 1] = row
  end
  hi = hi - width
  if hi < least then break end
end
return rows
