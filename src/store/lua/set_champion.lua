-- Makes `version` champion: the old champion becomes previous, the statuses of existing
-- versions follow. An alias that is not a number counts as none.
local function alias(text) return string.match(text or '', '^%d+$') or '0' end
local function has_status(key, status)
  return redis.call('TYPE', key)['ok'] == 'hash' and
      (not status or redis.call('HGET', key, 'status') == status)
end
local function set_champion(models, prefix, version, since, wall)
  local a = redis.call('HMGET', models, 'champion', 'previous', 'challenger',
                       'first', 'epoch', 'imported')
  local old, previous, first = alias(a[1]), alias(a[2]), alias(a[4])
  if old == version then return end
  if has_status(prefix .. old) then
    local status = version == previous and 'rolled_back' or 'previous'
    will('HSET', prefix .. old, 'status', status)
  end
  if previous ~= version and has_status(prefix .. previous, 'previous') then
    will('HSET', prefix .. previous, 'status', 'retired')
  end
  local epoch = tonumber(a[5] or '') or 0
  if not (epoch >= 0 and epoch < 2^52) then epoch = 0 end
  will('HSET', prefix .. version, 'status', 'champion', 'promoted', wall)
  if first == '0' then first = version end
  will('HSET', models, 'first', first, 'champion', version, 'previous', old,
       'champion_since', since, 'epoch', string.format('%.0f', epoch + 1))
  if a[3] == version then will('HSET', models, 'challenger', '0') end
  if a[6] == version then will('HSET', models, 'imported', '0') end
end
