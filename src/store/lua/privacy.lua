-- Returns the key of the privacy hash. A value that cannot be a key is replaced, because
-- it must not block notifications. KEYS: privacy. ARGV: the key to use if there is none.
local key = redis.pcall('GET', KEYS[1])
if type(key) == 'string' and #key == #ARGV[1] and
    not string.find(key, '[^0-9a-f]') then
  return key
end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
