-- Appends a batch to one room: which are retries, the offsets, the messages, and what the other nodes are told.
--
-- KEYS: the room, its messages, its two buckets of retries, its reserved epoch
-- ARGV: see `head` in append.rs; then for each message its key for retries (or ''), what it costs, and its bytes
local room, stream, buckets, reserved = KEYS[1], KEYS[2], { KEYS[3], KEYS[4] }, KEYS[5]
local node, channel, publish = ARGV[1], ARGV[2], ARGV[3]
local now = tonumber(ARGV[4])
local known = { life = ARGV[5], generation = tonumber(ARGV[6]), offset = tonumber(ARGV[7]) }
local max_messages, max_bytes, message_age, room_age = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
local window, window_messages = tonumber(ARGV[12]), tonumber(ARGV[13])
local lineage = ARGV[14]
local FIRST = 15

local at = settle(room, known, room_age, lineage)
if not at then
  at = { life = known.life, generation = known.generation, head = 0, time = 0, total = 0 }
  redis.call('HSET', room, 'life', at.life, 'generation', at.generation, 'lineage', lineage)
  -- From here on the room's own record says it.
  redis.call('UNLINK', reserved)
end
local time = math.max(at.time, now)

-- Retries: two buckets that take turns, so that what is too old goes at once.
local keys, seen = {}, {}
for i = FIRST, #ARGV, 3 do
  if ARGV[i] ~= '' then keys[#keys + 1] = ARGV[i] end
end
if #keys > 0 then
  for _, bucket in ipairs(buckets) do
    local found = redis.call('HMGET', bucket, unpack(keys))
    for i, key in ipairs(keys) do
      local offset, first_time = string.match(found[i] or '', '^(%d+) (%d+)$')
      if offset and now - tonumber(first_time) < window then
        local earlier = seen[key]
        if not earlier or earlier.offset < tonumber(offset) then
          seen[key] = { offset = tonumber(offset), time = first_time }
        end
      end
    end
  end
end

local answers, told, new_keys = { at.life, at.generation, string.format('%d', time) }, {}, {}
local first = at.head + 1
for i = FIRST, #ARGV, 3 do
  local key, cost, message = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local earlier = seen[key]
  if earlier and at.head - earlier.offset < window_messages then
    answers[#answers + 1] = string.format('%d %s', earlier.offset, earlier.time)
  else
    at.head = at.head + 1
    local offset = string.format('%d', at.head)
    redis.call('XADD', stream, offset .. '-0', 't', string.format('%d', time), 'b', string.format('%d', at.total), 'm', message)
    at.total = at.total + cost
    if key ~= '' then
      seen[key] = { offset = at.head, time = string.format('%d', time) }
      new_keys[#new_keys + 1] = key
      new_keys[#new_keys + 1] = offset .. ' ' .. seen[key].time
    end
    told[#told + 1] = struct.pack('>I4', #message)
    told[#told + 1] = message
    answers[#answers + 1] = at.head
  end
end
if #told == 0 then return answers end

redis.call('HSET', room, 'head', string.format('%d', at.head), 'time', string.format('%d', time),
  'total', string.format('%d', at.total))
redis.call('PEXPIRE', room, room_age)

if #new_keys > 0 then
  local turn = redis.call('HMGET', room, 'bucket', 'turned')
  local bucket, turned = tonumber(turn[1] or 1), tonumber(turn[2] or 0)
  if turned + window <= now or redis.call('HLEN', buckets[bucket]) >= window_messages then
    bucket = 3 - bucket
    redis.call('UNLINK', buckets[bucket])
    redis.call('HSET', room, 'bucket', bucket, 'turned', string.format('%d', now))
  end
  redis.call('HSET', buckets[bucket], unpack(new_keys))
  redis.call('PEXPIRE', buckets[bucket], string.format('%d', 2 * window))
end

-- What the room need not hold any more; the newest message stays.
if redis.call('XLEN', stream) > max_messages then
  redis.call('XTRIM', stream, 'MAXLEN', ARGV[8])
end
local newest = string.format('%d', at.head) .. '-0'
for _ = 1, #told / 2 + 16 do
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  local fields = oldest[2]
  local is_due = at.total - tonumber(fields[4]) > max_bytes or tonumber(fields[2]) + message_age <= now
  if oldest[1] == newest or not is_due then break end
  redis.call('XDEL', stream, oldest[1])
end
redis.call('PEXPIRE', stream, room_age)

local head = string.format('%s %s %d %d %d\n', node, at.life, at.generation, first, time)
redis.call(publish, channel, head .. table.concat(told))
return answers
