-- Reads the outbox in batches of 200, so that the backlog of one receiver does not hide
-- the entries of another.
-- KEYS: outbox, outbox:tries. ARGV: count, receiver or '' (all).
-- Returns {{entry, {field, value...}, tries or ''}...}.
local out, from, own = {}, '-', '@' .. ARGV[2]
while true do
  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 200)
  for _, e in ipairs(page) do
    local id = ''
    for i = 1, #e[2], 2 do if e[2][i] == 'id' then id = e[2][i + 1] end end
    if own == '@' or string.sub(id, -#own) == own then
      out[#out + 1] = {e[1], e[2], redis.call('HGET', KEYS[2], e[1]) or ''}
      if #out >= tonumber(ARGV[1]) then return out end
    end
  end
  if #page < 200 then return out end
  local ms, n = string.match(page[#page][1], '^(%d+)-(%d+)$')
  from = ms .. '-' .. string.format('%.0f', tonumber(n) + 1)
end
