#!lua
-- Takes the turns of sessions that are due (port: Announcements::take_turns).
--
-- KEYS     as in place_announcement.lua
-- ARGV     1 how many to take at most   2 for how many ms   3 the token of these turns
--
-- Returns in how many ms the next one is due (-1: never), how many are queued, for how many ms the first of them
-- has been, and of each one taken: session, placed, told, after, whether more may come, failures, looks.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- What is of another kind was never ours.
for at, kind in ipairs({ 'zset', 'zset', 'zset', 'hash' }) do
  local found = redis.call('TYPE', KEYS[at]).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', KEYS[at]) end
end

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

-- What need not be remembered any longer, a part each time.
for _, session in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[3], session)
  redis.call('HDEL', KEYS[4], session)
end

local rows = {}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, session in ipairs(due) do
  if session:match('^session_[%w._@-]+$') then
    local it = known(redis.call('HGET', KEYS[4], session))
    it.k = ARGV[3]
    redis.call('HSET', KEYS[4], session, cjson.encode(it))
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), session)
    rows[#rows + 1] = { session, tostring(it.p), it.t, it.a, it.u > now and 1 or 0, it.f, it.l }
  else
    redis.call('ZREM', KEYS[1], session)
    redis.call('ZREM', KEYS[2], session)
    redis.call('HDEL', KEYS[4], session)
  end
end

local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
-- Who is not due is not queued, whoever says so.
while first[1] and not redis.call('ZSCORE', KEYS[1], first[1]) do
  redis.call('ZREM', KEYS[2], first[1])
  first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
end
return {
  next[2] and math.max(0, tonumber(next[2]) - now) or -1,
  redis.call('ZCARD', KEYS[2]),
  first[2] and math.max(0, now - tonumber(first[2])) or 0,
  rows,
}
