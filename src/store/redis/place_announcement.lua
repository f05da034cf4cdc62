-- Queues a session of whose journal somebody is to be told (port: Announcements::place).
--
-- ARGV     1 the session   2 what is to come stands behind this entry   3 ms after which to look
--          4 ms for which it may yet come   5 ms for which the keys are kept

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
