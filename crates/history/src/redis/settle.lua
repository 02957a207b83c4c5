-- Before anything else of a room: where it stands, and whether Redis has lost some of it.
-- Put before each of the other scripts.

-- `known` is where a node saw the room last: life (hexadecimal), generation, offset; `room_age` is in milliseconds. A node that knows more than is held
-- here has seen what is lost: the generation is raised, so that no offset is used twice under one epoch.
local function settle(room, known, room_age)
  local held = redis.call('HMGET', room, 'life', 'generation', 'head', 'time', 'total')
  if not held[1] then
    if known.offset == 0 then return nil end
    -- All of it is lost; others may have seen more than this node.
    local all = { life = known.life, generation = known.generation + 1, head = known.offset, time = 0, total = 0 }
    redis.call('HSET', room, 'life', all.life, 'generation', all.generation, 'head', all.head, 'time', 0, 'total', 0)
    redis.call('PEXPIRE', room, room_age)
    return all
  end
  local at = {
    life = held[1], generation = tonumber(held[2]), head = tonumber(held[3]), time = tonumber(held[4]),
    total = tonumber(held[5]),
  }
  local is_behind = at.generation < known.generation or (at.generation == known.generation and at.head < known.offset)
  if at.life == known.life and is_behind then
    at.generation = math.max(at.generation, known.generation) + 1
    redis.call('HSET', room, 'generation', at.generation)
  end
  return at
end
