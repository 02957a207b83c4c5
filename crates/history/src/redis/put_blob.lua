-- Keeps a shared picture; the oldest ones go when there is no room.
--
-- KEYS: pictures by age, their sizes, the picture
-- ARGV: now, bytes of all, milliseconds that one is held, what picture keys begin with, id, media type, bytes
local by_age, sizes, picture = KEYS[1], KEYS[2], KEYS[3]
local now, max, age, prefix = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local id, mime_type, bytes = ARGV[5], ARGV[6], ARGV[7]

local held = tonumber(redis.call('HGET', sizes, '') or 0)
local function forget(which)
  held = held - tonumber(redis.call('HGET', sizes, which) or 0)
  redis.call('HDEL', sizes, which)
  redis.call('ZREM', by_age, which)
  redis.call('UNLINK', prefix .. which)
end
forget(id)
for _, old in ipairs(redis.call('ZRANGE', by_age, '-inf', now - age, 'BYSCORE', 'LIMIT', 0, 64)) do forget(old) end
while held + #bytes > max do
  local oldest = redis.call('ZRANGE', by_age, 0, 0)[1]
  if not oldest then held = 0 break end
  forget(oldest)
end
redis.call('HSET', picture, 'at', ARGV[1], 'type', mime_type, 'bytes', bytes)
redis.call('PEXPIRE', picture, ARGV[3])
redis.call('ZADD', by_age, now, id)
redis.call('HSET', sizes, id, #bytes, '', held + #bytes)
return redis.status_reply('OK')
