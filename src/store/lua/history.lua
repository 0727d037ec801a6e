-- Reads the last entry of each slice of time.
-- KEYS: history. ARGV: number of fields, fields, end of the newest slice, width, number
-- of slices, least id, time between entries that have every field. Returns {id,
-- values...} per slice that has an entry, newest first. Values that the entry lacks are
-- those of the newest entry before it, within that time.
local n = tonumber(ARGV[1])
local at, same = {}, {}
for i = 2, n + 1 do
  if at[ARGV[i]] then same[i] = at[ARGV[i]] else at[ARGV[i]] = i end
end
local hi, width = tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
local least = tonumber(ARGV[n + 5])
local every = tonumber(ARGV[n + 6])
local rows = {}
-- Returns whether a value is still missing.
local function fill(row, f)
  for i = 1, #f, 2 do
    local k = at[f[i]]
    if k and row[k] == '' then row[k] = f[i + 1] end
  end
  for i = 2, n + 1 do
    if row[i] == '' and not same[i] then return true end
  end
  return false
end
for s = 1, tonumber(ARGV[n + 4]) do
  local lo = math.max(hi - width + 1, least)
  local e = redis.call('XREVRANGE', KEYS[1], string.format('%.0f', hi),
    string.format('%.0f', lo), 'COUNT', 1)[1]
  if e then
    local row = {e[1]}
    for i = 2, n + 1 do row[i] = '' end
    if fill(row, e[2]) then
      local from = math.max(tonumber(string.match(e[1], '^%d+')) - every + 1, 0)
      local older = redis.call('XREVRANGE', KEYS[1], '(' .. e[1],
        string.format('%.0f', from))
      for _, o in ipairs(older) do
        if not fill(row, o[2]) then break end
      end
    end
    for i, j in pairs(same) do row[i] = row[j] end
    rows[#rows + 1] = row
  end
  hi = hi - width
  if hi < least then break end
end
return rows
