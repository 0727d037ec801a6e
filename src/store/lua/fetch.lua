-- KEYS: version, reference. ARGV: fields. Returns {values, reference or nil}.
return {redis.call('HMGET', KEYS[1], unpack(ARGV)),
        redis.call('HGET', KEYS[2], 'profile')}
