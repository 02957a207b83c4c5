-- Compares where a node saw a room last with what is held, and says who is there.
--
-- KEYS: the room, its presence, its reserved epoch
-- ARGV: node, life, generation, offset, members at the node, milliseconds for which that holds, and for which a room is kept,
-- lineage
local room, presence, reserved = KEYS[1], KEYS[2], KEYS[3]
local node, life, members, holds = ARGV[1], ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[6])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

if members > 0 then
  redis.call('HSET', presence, node, string.format('%d %d', members, now + holds))
  redis.call('PEXPIRE', presence, holds)
else
  redis.call('HDEL', presence, node)
end
local elsewhere, of_nodes = 0, redis.call('HGETALL', presence)
for i = 1, #of_nodes, 2 do
  local count, until_when = string.match(of_nodes[i + 1], '^(%d+) (%d+)$')
  if tonumber(until_when) < now then
    redis.call('HDEL', presence, of_nodes[i])
  elseif of_nodes[i] ~= node then
    elsewhere = elsewhere + tonumber(count)
  end
end

local at = settle(room, { life = life, generation = tonumber(ARGV[3]), offset = tonumber(ARGV[4]) }, ARGV[7], ARGV[8])
if at then
  return { elsewhere, at.life, at.generation, at.head }
end
-- Nothing is stored: nodes agree on the epoch that the room will have.
redis.call('SET', reserved, life, 'NX')
redis.call('PEXPIRE', reserved, holds)
return { elsewhere, redis.call('GET', reserved) }
