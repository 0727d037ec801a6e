/* The Lua side. A script runs alone on the server, and an append-only file or a replica
 * gets its writes as one transaction: that is the atomic step of the exactly-once
 * contract.
 *
 * Lua's numbers are doubles. Offsets, epochs and tokens stay below 2^53, but they are
 * compared as the decimal texts they are stored as wherever equality is meant, and
 * printed with %.0f.
 *
 * Epochs and fencing tokens are the server's clock in milliseconds, or one more than the
 * last one, whichever is larger. A plain counter would start again after Redis was
 * emptied or put back to an older snapshot, and hand out numbers that a zombie still
 * believes to be its own.
 *
 * Each script plans its writes and commits them (scripts_plan.c): what can be refused is
 * refused before the first.
 *
 * While a slot of a cluster moves to another node, a key that is not there counts as
 * moved already, and a command on it is refused. So all keys that a script must find or
 * make are declared: the server then looks before it begins, and answers TRYAGAIN. And no
 * key is deleted and made again, for in between it is not there: hashes are overlaid, and
 * rid of the fields that are not named. */
#include "store/scripts.h"

#define LUA_CLOCK                                                                        \
    "local function tick(last)\n"                                                        \
    "  local t = redis.call('TIME')\n"                                                   \
    "  local now = tonumber(t[1]) * 1000000 + tonumber(t[2])\n"                          \
    "  last = tonumber(last or '0') or 0\n"                                              \
    "  if not (last >= 0 and last < 2^53 - 1) then last = 0 end\n"                       \
    "  return string.format('%.0f', math.max(now, last + 1))\n"                          \
    "end\n"

/* The models in force are taken over at `next_offset`, and that offset is remembered, in
 * the same step: whoever starts there again scores with the same versions. */
#define LUA_ADOPT                                                                        \
    "local function adopt(next_offset)\n"                                                \
    "  local champion = redis.call('HGET', KEYS[2], 'champion') or ''\n"                 \
    "  local shadows = redis.call('HGET', KEYS[3], 'shadows') or ''\n"                   \
    "  local was = redis.call('HMGET', KEYS[1], 'champion', 'shadows')\n"                \
    "  if not string.match(champion, '^%d+$') then\n"                                    \
    "    champion = string.match(was[1] or '', '^%d+$') or '0'\n"                        \
    "  end\n"                                                                            \
    "  if was[1] ~= champion then\n"                                                     \
    "    will('HSET', KEYS[1], 'champion', champion, 'champion_since', next_offset)\n"   \
    "  end\n"                                                                            \
    "  if was[2] ~= shadows then will('HSET', KEYS[1], 'shadows', shadows) end\n"        \
    "  return champion, shadows\n"                                                       \
    "end\n"

const struct lw_script lw_script_claim = {
    "claim", LUA_CLOCK LUA_ADOPT
    "local h = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset', 'progress',\n"
    "                     'last')\n"
    "local epoch = tick(h[1])\n"
    /* What a former owner called idle may have something waiting now. */
    "will('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', epoch, 'claimed', ARGV[2],\n"
    "     'idle', '0')\n"
    "local champion, shadows = adopt(h[2] or '-1')\n"
    "local sealed = redis.call('HGET', KEYS[3], 'sealed_until') or ''\n"
    "return commit({epoch, h[2] or '', champion, shadows, h[3] or '', h[4] or '',\n"
    "               sealed})\n"};

const struct lw_script lw_script_flush = {
    "flush", LUA_ADOPT
    "local h = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset', 'open')\n"
    "if h[1] ~= ARGV[1] then return {0, 'epoch ' .. (h[1] or 'none')} end\n"
    /* Within one epoch only its owner moves the offset, so anything from base to next is
     * an earlier send of this flush, or of a part of it, whose answer was lost. */
    "local at = tonumber(h[2] or '-1')\n"
    "if not at or at < tonumber(ARGV[2]) or at > tonumber(ARGV[3]) then\n"
    "  return {0, 'next_offset ' .. (h[2] or 'none')}\n"
    "end\n"
    /* A key of another type fails here, before any write: panes without their offset
     * would count twice. */
    "for i = 4, 5 do redis.call('ZCARD', KEYS[i]) end\n"
    "for i = 6, #KEYS do redis.call('HLEN', KEYS[i]) end\n"
    "local fields = 11 + tonumber(ARGV[11])\n"
    "local sealed = redis.call('HGET', KEYS[3], 'sealed_until') or ''\n"
    "local until_ms, believed = tonumber(sealed), tonumber(ARGV[10])\n"
    "if until_ms and believed and until_ms <= believed then\n"
    "  local i = fields + 1\n"
    "  while i <= #ARGV do\n"
    "    if tonumber(ARGV[i]) + tonumber(ARGV[9]) <= until_ms then\n"
    "      return {2, sealed}\n"
    "    end\n"
    "    i = i + 3 + tonumber(ARGV[i + 2])\n"
    "  end\n"
    "else\n"
    "  sealed = ''\n"
    "end\n"
    /* Panes that were open and are neither open nor just closed were struck out; and
     * those of a leap that was taken back, closed as they are. */
    "local held, struck = ' ' .. ARGV[5] .. ' ', {}\n"
    "local function strike(start)\n"
    "  if not string.find(held, ' ' .. start .. ' ', 1, true) then\n"
    "    will('UNLINK', ARGV[6] .. start .. ':' .. ARGV[7])\n"
    "    struck[#struck + 1] = start\n"
    "  end\n"
    "end\n"
    "for start in string.gmatch(h[3] or '', '%S+') do strike(start) end\n"
    "local from, to = string.match(ARGV[8], '(%S+) (%S+)')\n"
    "if from then\n"
    "  for _, m in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], from, to)) do\n"
    "    local start, number = string.match(m, '^(%S+):(%d+)$')\n"
    "    if number == ARGV[7] then strike(start) end\n"
    "  end\n"
    "end\n"
    "local i, k = fields + 1, 6\n"
    "while i <= #ARGV do\n"
    "  local start, lineage, n = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])\n"
    "  will('HSET', KEYS[k], unpack(ARGV, i + 3, i + 2 + n))\n"
    "  if redis.call('EXISTS', KEYS[k]) == 1 then\n"
    "    local named = {}\n"
    "    for j = i + 3, i + 2 + n, 2 do named[ARGV[j]] = true end\n"
    "    only(KEYS[k], named)\n"
    "  end\n"
    "  will('PEXPIRE', KEYS[k], ARGV[4])\n"
    "  will('ZADD', KEYS[5], start, start .. ':' .. ARGV[7])\n"
    "  if lineage ~= '' then will('ZADD', KEYS[4], start, lineage) end\n"
    "  for _, line in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], start, start)) do\n"
    "    if line ~= lineage then tidy({'ZREM', KEYS[4], line}) end\n"
    "  end\n"
    "  i, k = i + 3 + n, k + 1\n"
    "end\n"
    "for _, start in ipairs(struck) do\n"
    "  tidy({'ZREM', KEYS[5], start .. ':' .. ARGV[7]})\n"
    "  tidy({'ZREMRANGEBYSCORE', KEYS[4], start, start})\n"
    "end\n"
    "local keep = tonumber(redis.call('HGET', KEYS[3], 'keep_from') or '')\n"
    "if keep and until_ms and keep < until_ms then\n"
    "  keep = string.format('%.0f', keep)\n"
    "  tidy({'ZREMRANGEBYSCORE', KEYS[4], '-inf', '(' .. keep})\n"
    "end\n"
    "will('HSET', KEYS[1], unpack(ARGV, 12, fields))\n"
    "local champion, shadows = adopt(ARGV[3])\n"
    "return commit({1, champion, shadows, sealed})\n"};

/* A pane that nobody can read, to a name of its own; a note says why. What is not there
 * (any more) is only noted. */
#define LUA_ASIDE                                                                        \
    "local function aside(pane, to, notes, field, note, ttl)\n"                          \
    "  if redis.call('EXISTS', pane) == 1 then\n"                                        \
    "    will('RENAME', pane, to)\n"                                                     \
    "    will('PEXPIRE', to, ttl)\n"                                                     \
    "  end\n"                                                                            \
    "  will('HSET', notes, field, note)\n"                                               \
    "  will('PEXPIRE', notes, ttl)\n"                                                    \
    "end\n"

const struct lw_script lw_script_aside = {
    "aside",
    LUA_ASIDE "if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end\n"
              "aside(KEYS[2], KEYS[3], KEYS[4], ARGV[2], ARGV[3], ARGV[4])\n"
              "return commit(1)\n"};

/* The topic was made anew: offsets begin again, and those of the old one, which a
 * training would read, mean nothing any more. */
const struct lw_script lw_script_restart = {
    "restart",
    "local h = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset')\n"
    "if h[1] ~= ARGV[1] then return {0, 'epoch ' .. (h[1] or 'none')} end\n"
    "if h[2] == ARGV[3] then return {1} end\n"
    "if h[2] ~= ARGV[2] then return {0, 'next_offset ' .. (h[2] or 'none')} end\n"
    "will('HSET', KEYS[1], 'next_offset', ARGV[3], 'progress', ARGV[8])\n"
    "will('DEL', KEYS[2])\n"
    "will('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'what', 'topic_recreated',\n"
    "     'who', ARGV[5], 'detail', ARGV[6], 'event', '0', 'at', ARGV[7])\n"
    "return commit({1})\n"};

const struct lw_script lw_script_lease = {
    "lease",
    LUA_CLOCK "local held = redis.call('GET', KEYS[1])\n"
              /* Of a damaged fence no write would come through. */
              "local mine = held == ARGV[2] .. ' ' .. ARGV[1]\n"
              "if mine and redis.call('GET', KEYS[2]) == ARGV[2] then\n"
              "  will('PEXPIRE', KEYS[1], ARGV[3])\n"
              "  return commit(ARGV[2])\n"
              "end\n"
              "local left = redis.call('PTTL', KEYS[1])\n"
              /* One that never ends, or is none, nobody holds. */
              "if held and not mine and string.match(held, '^%d+ .') and left > 0 and\n"
              "    left <= math.max(3600000, 2 * tonumber(ARGV[3])) then\n"
              "  return ''\n"
              "end\n"
              "local token = tick(redis.call('GET', KEYS[2]))\n"
              "will('SET', KEYS[2], token)\n"
              "will('SET', KEYS[1], token .. ' ' .. ARGV[1], 'PX', ARGV[3])\n"
              "return commit(token)\n"};

/* champion and previous change places or move up; statuses of the versions follow, where
 * there are such versions. An alias that is no number is none. */
#define LUA_PROMOTE                                                                      \
    "local function alias(text) return string.match(text or '', '^%d+$') or '0' end\n"   \
    "local function has_status(key, status)\n"                                           \
    "  return redis.call('TYPE', key)['ok'] == 'hash' and\n"                             \
    "      (not status or redis.call('HGET', key, 'status') == status)\n"                \
    "end\n"                                                                              \
    "local function promote(models, prefix, version, since, wall)\n"                     \
    "  local a = redis.call('HMGET', models, 'champion', 'previous', 'challenger',\n"    \
    "                       'first', 'epoch')\n"                                         \
    "  local old, previous, first = alias(a[1]), alias(a[2]), alias(a[4])\n"             \
    "  if old == version then return end\n"                                              \
    "  if has_status(prefix .. old) then\n"                                              \
    "    local status = version == previous and 'rolled_back' or 'previous'\n"           \
    "    will('HSET', prefix .. old, 'status', status)\n"                                \
    "  end\n"                                                                            \
    "  if previous ~= version and has_status(prefix .. previous, 'previous') then\n"     \
    "    will('HSET', prefix .. previous, 'status', 'retired')\n"                        \
    "  end\n"                                                                            \
    "  local epoch = tonumber(a[5] or '') or 0\n"                                        \
    "  if not (epoch >= 0 and epoch < 2^52) then epoch = 0 end\n"                        \
    "  will('HSET', prefix .. version, 'status', 'champion', 'promoted', wall)\n"        \
    "  if first == '0' then first = version end\n"                                       \
    "  will('HSET', models, 'first', first, 'champion', version, 'previous', old,\n"     \
    "       'champion_since', since, 'epoch', string.format('%.0f', epoch + 1))\n"       \
    "  if a[3] == version then will('HSET', models, 'challenger', '0') end\n"            \
    "end\n"

const struct lw_script lw_script_guarded = {
    "guarded", LUA_PROMOTE LUA_ASIDE
    "local token = redis.call('GET', KEYS[1])\n"
    "if token ~= ARGV[1] then return {'FENCED', 'token ' .. (token or 'none')} end\n"
    "if ARGV[3] ~= '' then\n"
    "  local d = redis.call('HMGET', KEYS[2], 'sealed_until', 'step')\n"
    "  if d[2] == ARGV[3] then return {'AGAIN'} end\n"
    "  if (d[1] or '') ~= ARGV[2] then\n"
    "    return {'FENCED', 'sealed_until ' .. (d[1] or 'none')}\n"
    "  end\n"
    "end\n"
    "local op, now = {}, {}\n"
    /* NOW key field value...: a part of a hash that has no other fields in the end. */
    "op.NOW = function(i, n)\n"
    "  local key = ARGV[i + 1]\n"
    "  will('HSET', key, unpack(ARGV, i + 2, i + n - 1))\n"
    "  now[key] = now[key] or {}\n"
    "  for j = i + 2, i + n - 2, 2 do now[key][ARGV[j]] = true end\n"
    "end\n"
    /* HISTORY key cap ms field value...: ids must grow. A moment that is in is skipped;
     * what is newer was of a clock that has been taken back, and goes. The stream itself
     * remembers the largest id that it ever had, and from version 7 on the largest that
     * was deleted, below which it does not go back; hence XSETID, there with all of it
     * forgotten first. */
    "op.HISTORY = function(i, n)\n"
    "  local key, ms = ARGV[i + 1], ARGV[i + 3]\n"
    "  local last = redis.call('XREVRANGE', key, ms, '-', 'COUNT', 1)[1]\n"
    "  local from = '(' .. ms .. '-18446744073709551615'\n"
    "  repeat\n"
    "    local page = redis.call('XRANGE', key, from, '+', 'COUNT', 100)\n"
    "    for _, e in ipairs(page) do will('XDEL', key, e[1]) from = '(' .. e[1] end\n"
    "  until #page < 100\n"
    "  if last or redis.call('EXISTS', key) == 1 then\n"
    "    if redis.REDIS_VERSION_NUM then\n"
    "      local most = '18446744073709551615'\n"
    "      will('XSETID', key, most .. '-' .. most, 'MAXDELETEDID', '0-1')\n"
    "    end\n"
    "    will('XSETID', key, last and last[1] or '0-1')\n"
    "  end\n"
    "  if not last or tonumber(string.match(last[1], '^%d+')) < tonumber(ms) then\n"
    "    will('XADD', key, 'MAXLEN', '~', ARGV[i + 2], ms .. '-0',\n"
    "         unpack(ARGV, i + 4, i + n - 1))\n"
    "  end\n"
    "end\n"
    /* FORGET index prefix limit: panes that started before the limit. */
    "op.FORGET = function(i)\n"
    "  local old = redis.call('ZRANGEBYSCORE', ARGV[i + 1], '-inf', '(' .. ARGV[i + 3],\n"
    "                         'LIMIT', 0, 1000)\n"
    "  for _, name in ipairs(old) do\n"
    "    tidy({'UNLINK', ARGV[i + 2] .. name}, {'ZREM', ARGV[i + 1], name})\n"
    "  end\n"
    "end\n"
    /* ASIDE pane to notes field note ttl */
    "op.ASIDE = function(i) aside(unpack(ARGV, i + 1, i + 6)) end\n"
    /* PROMOTE models prefix version since wall: a version that is there, or is stored by
     * this very list. */
    "op.PROMOTE = function(i)\n"
    "  local key = ARGV[i + 2] .. ARGV[i + 3]\n"
    "  local there = redis.call('EXISTS', key) == 1\n"
    "  for _, c in ipairs(plan) do there = there or c[2] == key end\n"
    "  if not there then return {'NOTFOUND', ARGV[i + 3]} end\n"
    "  promote(unpack(ARGV, i + 1, i + 5))\n"
    "end\n"
    "local i = 4\n"
    "while i <= #ARGV do\n"
    "  local n, own = tonumber(ARGV[i]), op[ARGV[i + 1]]\n"
    "  local stop = nil\n"
    "  if own then stop = own(i + 1, n)\n"
    "  else will(unpack(ARGV, i + 1, i + n)) end\n"
    "  if stop then return stop end\n"
    "  i = i + 1 + n\n"
    "end\n"
    "for key, named in pairs(now) do only(key, named) end\n"
    "return commit({'OK'})\n"};

const struct lw_script lw_script_promote = {
    "promote", LUA_PROMOTE
    "local since = redis.call('HGET', KEYS[3], 'sealed_until') or '0'\n"
    "if redis.call('EXISTS', ARGV[2] .. ARGV[1]) == 0 then return 0 end\n"
    "promote(KEYS[1], ARGV[2], ARGV[1], since, ARGV[3])\n"
    "will('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', 'what', 'promoted',\n"
    "     'who', ARGV[4], 'detail', 'version ' .. ARGV[1] .. ': ' .. ARGV[5],\n"
    "     'event', since, 'at', ARGV[3])\n"
    "return commit(1)\n"};

/* Page by page, so that one receiver's backlog does not hide another's entries. */
const struct lw_script lw_script_outbox = {
    "outbox",
    "local out, from, own = {}, '-', '@' .. ARGV[2]\n"
    "while true do\n"
    "  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 200)\n"
    "  for _, e in ipairs(page) do\n"
    "    local id = ''\n"
    "    for i = 1, #e[2], 2 do if e[2][i] == 'id' then id = e[2][i + 1] end end\n"
    "    if own == '@' or string.sub(id, -#own) == own then\n"
    "      out[#out + 1] = {e[1], e[2], redis.call('HGET', KEYS[2], e[1]) or ''}\n"
    "      if #out >= tonumber(ARGV[1]) then return out end\n"
    "    end\n"
    "  end\n"
    "  if #page < 200 then return out end\n"
    "  local ms, n = string.match(page[#page][1], '^(%d+)-(%d+)$')\n"
    "  from = ms .. '-' .. string.format('%.0f', tonumber(n) + 1)\n"
    "end\n"};
