-- Asks which commands, keys and channels the user is denied. Without
-- redis.acl_check_cmd (before Redis 7) the answer is {{'unknown'}}.
-- KEYS: none. ARGV: channel, number of commands without a key, these, number of commands
-- on keys, these, keys. Returns {{what, word or key, command}...}.
local check, out = redis.acl_check_cmd, {}
if not check then return {{'unknown'}} end
-- 'yes', or what is missing: 'command', 'key', 'channel'.
local function may(sample, key)
  local c = {}
  for word in string.gmatch(sample, '%S+') do
    c[#c + 1] = word == 'K' and key or word
  end
  local known, yes = pcall(check, unpack(c))
  if known and yes then return 'yes' end
  if not key then return 'command' end
  local did = redis.pcall(unpack(c))
  local text = type(did) == 'table' and did.err or ''
  if string.find(text, 'run this command') or string.find(text, 'to run the') or
     not known then return 'command' end
  return c[1] == 'publish' and 'channel' or 'key'
end
local i = 2
for k = i + 1, i + tonumber(ARGV[i]) do
  if may(ARGV[k]) ~= 'yes' then out[#out + 1] = {'command', ARGV[k]} end
end
i = i + ARGV[i] + 1
local verbs, first = {}, i + ARGV[i] + 1
for k = i + 1, first - 1 do
  if may(ARGV[k], ARGV[first]) ~= 'command' then verbs[#verbs + 1] = ARGV[k]
  else out[#out + 1] = {'command', string.match(ARGV[k], '%S+')} end
end
for k = first, #ARGV do
  local key, no = ARGV[k], {}
  for _, verb in ipairs(verbs) do
    if may(verb, key) ~= 'yes' then no[#no + 1] = string.match(verb, '%S+') end
  end
  if #no > 0 and #no == #verbs then out[#out + 1] = {'key', key}
  else
    for _, verb in ipairs(no) do out[#out + 1] = {'pair', key, verb} end
  end
end
local publish = may('publish K 1', ARGV[1])
if publish == 'command' then out[#out + 1] = {'publish', 'publish'}
elseif publish ~= 'yes' then out[#out + 1] = {'channel', ARGV[1]} end
return out
