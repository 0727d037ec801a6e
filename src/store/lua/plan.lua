-- How a script writes: it plans, then commits.
--
-- Redis does not roll back a script that fails halfway. So a script reads what it needs
-- and lists its writes; commit() checks the whole list before it runs the first of them:
--
-- - May this user run the command on this key? Redis 7 and later can be asked; an older
--   server refuses in the middle of the script, so `leeway check` checks permissions too.
-- - Does the key hold the right type, and is it on this node? While a slot of a cluster
--   moves, a missing key counts as moved, and every command on it fails.
--
-- Nothing else can refuse a write halfway: a full server, a replica, too few replicas and
-- a full disk refuse the first write or none, and the arguments are our own. Nothing is
-- read or computed between two writes.
--
-- will(...)        adds a command to the list.
-- tidy(...)        adds a group of clean-up commands. They run last, each after the one
--                  before it succeeded, and can be left to a later script. They are
--                  checked like the others, except for a slot that moves.
-- only(key, keep)  removes the fields that `keep` does not name from a hash.
-- commit(answer)   returns the answer, or the error that explains why nothing was done.
local plan, tidies = {}, {}
local function will(...) plan[#plan + 1] = {...} end
local function tidy(...) tidies[#tidies + 1] = {...} end
local fits = {HSET = 'hash', HDEL = 'hash', ZADD = 'zset', ZREM = 'zset',
              ZREMRANGEBYSCORE = 'zset', XADD = 'stream', XDEL = 'stream',
              XSETID = 'stream', RPUSH = 'list', LPOP = 'list', LTRIM = 'list'}
-- redis.acl_check_cmd needs whole commands; these samples leave the large values out.
local short = {HSET = {'f', 'v'}, SET = {'v'}, XADD = {'*', 'f', 'v'}}
local function may(c)
  if not redis.acl_check_cmd then return true end
  local words = short[c[1]]
  if words then return redis.acl_check_cmd(c[1], c[2], unpack(words)) end
  return redis.acl_check_cmd(unpack(c))
end
local looked, holds = {}, {}
local function look(c, run)
  local verb, key = c[1], c[2]
  local pair = verb .. ' ' .. key
  if looked[pair] then return end
  looked[pair] = true
  if not may(c) then
    return redis.error_reply('NOPERM this user may not run ' .. verb .. ' on '
                             .. key)
  end
  if not holds[key] then holds[key] = run('TYPE', key).ok or 'none' end
  local fit, is = fits[verb], holds[key]
  if fit and is ~= 'none' and is ~= fit then
    return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. is
                             .. ', not a ' .. fit)
  end
  -- What the key holds once this command has run.
  if verb == 'RENAME' then holds[c[3]], holds[key] = is, 'none' end
  if verb == 'DEL' or verb == 'UNLINK' then holds[key] = 'none' end
end
local function commit(answer)
  for _, c in ipairs(plan) do
    local no = look(c, redis.call)
    if no then return no end
  end
  for _, row in ipairs(tidies) do
    for _, c in ipairs(row) do
      local no = look(c, redis.pcall)
      if no then return no end
    end
  end
  for _, c in ipairs(plan) do redis.call(unpack(c)) end
  for _, row in ipairs(tidies) do
    for _, c in ipairs(row) do
      local did = redis.pcall(unpack(c))
      if type(did) == 'table' and did.err then break end
    end
  end
  return answer
end
local function only(key, named)
  local gone = {'HDEL', key}
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if not named[field] then gone[#gone + 1] = field end
    if #gone == 1000 then
      plan[#plan + 1], gone = gone, {'HDEL', key}
    end
  end
  if #gone > 2 then plan[#plan + 1] = gone end
end
