#!lua
-- Puts a hold, if it takes the place of one or there is room for one more (port: HoldStore::put_hold).
--
-- KEYS[1]  the holds: a hash
-- ARGV     1 the name   2 the hold   3 how many there may be
--          4 the channel of all processes   5 what to tell them
--
-- Returns 1 if it was put, else 0.

-- What is no hash was never ours.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then
  redis.call('DEL', KEYS[1])
end
local is_new = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0
if is_new and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then
  -- Nor was what has no hold's name.
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if #name > 64 or not name:match('^[a-z0-9-]+$') then
      redis.call('HDEL', KEYS[1], name)
    end
  end
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then
    return 0
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
