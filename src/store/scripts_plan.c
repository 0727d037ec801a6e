/* How a script writes: it plans, and commits.
 *
 * Redis does not undo a script that fails in the middle. So a script reads what it must
 * know and puts every write on a list; commit() looks at the whole list before it carries
 * out the first of it:
 *
 * - May this user run the command on this key? (Redis 7 and later can be asked; an older
 *   one refuses in the middle, which is why `leeway check` looks too.)
 * - Does the key hold what the command is for, and is it on this node? While a slot of a
 *   cluster moves, a key that is not there counts as moved, and any command on it fails.
 *
 * What is left cannot refuse: a full server, a replica, too few replicas and a disk that
 * cannot be written to are told at a script's first write or not at all, and the
 * arguments are our own. Nothing is read and nothing is computed between two writes.
 *
 * will(...)  puts a command on the list.
 * tidy(...)  a list of commands that only clear up: they come last, each one after the
 *            one before it has succeeded, and can as well be done the next time. They are
 *            looked at like the others, but for the slot that moves.
 * only(key, named)  takes the fields that are not named from a hash.
 * commit(answer)  returns the answer, or the error why nothing was done. */
#include "store/scripts.h"

const char lw_script_plan[] =
    "local plan, tidies = {}, {}\n"
    "local function will(...) plan[#plan + 1] = {...} end\n"
    "local function tidy(...) tidies[#tidies + 1] = {...} end\n"
    "local fits = {HSET = 'hash', HDEL = 'hash', ZADD = 'zset', ZREM = 'zset',\n"
    "              ZREMRANGEBYSCORE = 'zset', XADD = 'stream', XDEL = 'stream',\n"
    "              XSETID = 'stream', RPUSH = 'list', LPOP = 'list', LTRIM = 'list'}\n"
    /* Whole commands, as Redis asks for them, but without the bulk of what they carry. */
    "local short = {HSET = {'f', 'v'}, SET = {'v'}, XADD = {'*', 'f', 'v'}}\n"
    "local function may(c)\n"
    "  if not redis.acl_check_cmd then return true end\n"
    "  local words = short[c[1]]\n"
    "  if words then return redis.acl_check_cmd(c[1], c[2], unpack(words)) end\n"
    "  return redis.acl_check_cmd(unpack(c))\n"
    "end\n"
    "local looked, holds = {}, {}\n"
    "local function look(c, run)\n"
    "  local verb, key = c[1], c[2]\n"
    "  local pair = verb .. ' ' .. key\n"
    "  if looked[pair] then return end\n"
    "  looked[pair] = true\n"
    "  if not may(c) then\n"
    "    return redis.error_reply('NOPERM this user may not run ' .. verb .. ' on '\n"
    "                             .. key)\n"
    "  end\n"
    "  if not holds[key] then holds[key] = run('TYPE', key).ok or 'none' end\n"
    "  local fit, is = fits[verb], holds[key]\n"
    "  if fit and is ~= 'none' and is ~= fit then\n"
    "    return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. is\n"
    "                             .. ', not a ' .. fit)\n"
    "  end\n"
    "end\n"
    "local function commit(answer)\n"
    "  for _, c in ipairs(plan) do\n"
    "    local no = look(c, redis.call)\n"
    "    if no then return no end\n"
    "  end\n"
    "  for _, row in ipairs(tidies) do\n"
    "    for _, c in ipairs(row) do\n"
    "      local no = look(c, redis.pcall)\n"
    "      if no then return no end\n"
    "    end\n"
    "  end\n"
    "  for _, c in ipairs(plan) do redis.call(unpack(c)) end\n"
    "  for _, row in ipairs(tidies) do\n"
    "    for _, c in ipairs(row) do\n"
    "      local did = redis.pcall(unpack(c))\n"
    "      if type(did) == 'table' and did.err then break end\n"
    "    end\n"
    "  end\n"
    "  return answer\n"
    "end\n"
    "local function only(key, named)\n"
    "  local gone = {'HDEL', key}\n"
    "  for _, field in ipairs(redis.call('HKEYS', key)) do\n"
    "    if not named[field] then gone[#gone + 1] = field end\n"
    "    if #gone == 1000 then\n"
    "      plan[#plan + 1], gone = gone, {'HDEL', key}\n"
    "    end\n"
    "  end\n"
    "  if #gone > 2 then plan[#plan + 1] = gone end\n"
    "end\n";
