-- Takes the turns of sessions that are due (port: Announcements::take_turns).
--
-- ARGV     1 how many to take at most   2 for how many ms   3 the token of these turns
--
-- Returns in how many ms the next one is due (-1: never), how many are queued, for how many ms the first of them
-- has been, and of each one taken: session, placed, told, after, whether more may come, failures, looks.

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
