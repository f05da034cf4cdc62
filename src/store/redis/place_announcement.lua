#!lua
-- Queues a session of whose journal somebody is to be told (port: Announcements::place).
--
-- KEYS[1]  when each session is due, in ms of the server's clock: a sorted set
-- KEYS[2]  since when each is queued: a sorted set
-- KEYS[3]  until when what was told of the others is remembered: a sorted set
-- KEYS[4]  what is known of all of them: a hash, JSON
-- ARGV     1 the session   2 what is to come stands behind this entry   3 ms after which to look
--          4 ms for which it may yet come   5 ms for which the keys are kept

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- placed, until, token, told, after, failures, looks
local function known(text)
  local ok, read = pcall(cjson.decode, text or '')
  if ok and type(read) == 'table' and type(read.p) == 'number' and type(read.u) == 'number'
    and type(read.k) == 'string' and type(read.t) == 'string' and type(read.a) == 'string'
    and type(read.f) == 'number' and type(read.l) == 'number'
    and read.t:match('^%d+$') and read.a:match('^%d+$') then
    return read
  end
  return { p = 0, u = 0, k = '', t = '0', a = '0', f = 0, l = 0 }
end

-- Ids have more digits than Lua's numbers.
local function later(one, other)
  if #one ~= #other then return #one > #other end
  return one > other
end

local session = ARGV[1]
local it = known(redis.call('HGET', KEYS[4], session))
it.p = it.p + 1
it.l = 0
it.u = math.max(it.u, now + tonumber(ARGV[4]))
if later(ARGV[2], it.a) then it.a = ARGV[2] end
redis.call('HSET', KEYS[4], session, cjson.encode(it))
local soon = now + tonumber(ARGV[3])
-- One who has its turn, or a pause after a failure, is not hurried.
if it.k == '' and it.f == 0 then
  redis.call('ZADD', KEYS[1], 'LT', soon, session)
else
  redis.call('ZADD', KEYS[1], 'NX', soon, session)
end
redis.call('ZADD', KEYS[2], 'NX', now, session)
redis.call('ZREM', KEYS[3], session)
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[5])
end
return redis.status_reply('OK')
