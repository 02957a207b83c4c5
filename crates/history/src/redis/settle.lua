-- Before anything else of a room: where it stands, and whether Redis has lost some of it.
-- Put before each of the other scripts.

-- `known` is where a node saw the room last: life (hexadecimal), generation, offset; `room_age` is in milliseconds. A node that knows more than is held
-- here has seen what is lost: the generation is raised, so that no offset is used twice under one epoch.
--
-- `lineage` is what the node took this server for when it connected (see lineage.rs). Where the room was last under another one,
-- some of it may be lost that no node has told of yet: it begins a new life, the same whoever asks.
local function lineage_of(told)
  local info = redis.pcall('INFO', 'replication')
  if type(info) ~= 'string' then return told end
  if string.match(info, 'master_replid2:0+%s') then return told end
  return string.match(info, 'master_replid:(%w+)') or told
end

local function settle(room, known, room_age, lineage)
  local held = redis.call('HMGET', room, 'life', 'generation', 'head', 'time', 'total', 'lineage')
  if not held[1] then
    if known.offset == 0 then return nil end
    -- All of it is lost; others may have seen more than this node.
    local all = { life = known.life, generation = known.generation + 1, head = known.offset, time = 0, total = 0 }
    redis.call('HSET', room, 'life', all.life, 'generation', all.generation, 'head', all.head, 'time', 0, 'total', 0,
      'lineage', lineage)
    redis.call('PEXPIRE', room, room_age)
    return all
  end
  local at = {
    life = held[1], generation = tonumber(held[2]), head = tonumber(held[3]), time = tonumber(held[4]),
    total = tonumber(held[5]),
  }
  local was = held[6] or ''
  if was ~= lineage then
    -- The node may have connected before this server took over.
    lineage = lineage_of(lineage)
  end
  if was ~= lineage then
    if lineage ~= '' then
      at.life, at.generation = string.sub(redis.sha1hex(at.life .. lineage), 1, 16), 0
    end
    redis.call('HSET', room, 'lineage', lineage, 'life', at.life, 'generation', at.generation)
  end
  local is_behind = at.generation < known.generation or (at.generation == known.generation and at.head < known.offset)
  if at.life == known.life and is_behind then
    at.generation = math.max(at.generation, known.generation) + 1
    redis.call('HSET', room, 'generation', at.generation)
  end
  return at
end
