#!lua
-- How the scripts of the queues of announcements begin (port: Announcements).
--
-- KEYS[1]  when each session is due, in ms of the server's clock: a sorted set
-- KEYS[2]  since when each is queued: a sorted set
-- KEYS[3]  until when what was told of the others is remembered: a sorted set
-- KEYS[4]  what is known of all of them: a hash, JSON

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- What is of another kind was never ours.
for at, kind in ipairs({ 'zset', 'zset', 'zset', 'hash' }) do
  local found = redis.call('TYPE', KEYS[at]).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', KEYS[at]) end
end

-- placed, until, token, told, after, failures, looks
-- What is not as we write it is as good as nothing: a number that cannot be written back would stop all of the queue.
local function count(it, most)
  return type(it) == 'number' and it >= 0 and it <= most and it == math.floor(it)
end
local function entry(it)
  return type(it) == 'string' and it:match('^%d+$') and (#it < 20 or #it == 20 and it <= '18446744073709551615')
end
local function known(text)
  local ok, read = pcall(cjson.decode, text or '')
  if ok and type(read) == 'table' and count(read.p, 1e9) and count(read.u, 1e13) and type(read.k) == 'string'
    and entry(read.t) and entry(read.a) and count(read.f, 1e9) and count(read.l, 1e9) then
    return { p = read.p, u = read.u, k = read.k, t = read.t, a = read.a, f = read.f, l = read.l }
  end
  return { p = 0, u = 0, k = '', t = '0', a = '0', f = 0, l = 0 }
end

-- Ids have more digits than Lua's numbers.
local function later(one, other)
  if #one ~= #other then return #one > #other end
  return one > other
end

