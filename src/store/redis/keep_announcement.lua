-- What becomes of a turn (port: Announcements::keep_turn).
--
-- ARGV     1 the session   2 the token of the turn   3 how often it had been queued   4 hold, told, look, failed or
--          done   5 ms   6 up to which entry everything was told, if that is new
--
-- Returns 1; 0 if somebody else has its turn, or nobody.

local session, token, placed, step, ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local it = known(redis.call('HGET', KEYS[4], session))
if it.k ~= token then return 0 end

local due = now + ms
local placed_anew = tostring(it.p) ~= placed
if step == 'told' then
  it.f = 0
  if later(ARGV[6], it.t) then it.t = ARGV[6] end
elseif step ~= 'hold' then
  it.k = ''
end
if step == 'failed' then
  it.f = it.f + 1
elseif (step == 'look' or step == 'done') and placed_anew then
  due = now
elseif step == 'look' then
  it.l = it.l + 1
elseif step == 'done' then
  redis.call('ZREM', KEYS[1], session)
  redis.call('ZREM', KEYS[2], session)
  redis.call('ZADD', KEYS[3], due, session)
  local left = redis.call('PTTL', KEYS[4])
  if left > 0 then redis.call('PEXPIRE', KEYS[3], left) end
  due = nil
end
if due then redis.call('ZADD', KEYS[1], due, session) end
redis.call('HSET', KEYS[4], session, cjson.encode(it))
return 1
