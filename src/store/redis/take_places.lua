#!lua
-- Takes a place in sets of what is live, if each of some sets has room (port: Quotas).
--
-- KEYS     the sets, of which the first two take the member: sorted, the scores are when each member was
--          last looked at, in ms of the server's clock; then, if there is a rate, its key: when all of the
--          rate is there again, in us
-- ARGV     1 the member   2 for how many ms the sets are kept from now   3 how far one use moves the rate, in us
--          4 the rate's whole period, in us; 0: there is no rate
--          5 the number of the set that was looked at just now for the same member; 0: none
--          then for each set how many there may be, 0: any
--
-- Returns 0: taken; -1: the rate refuses; or the number of the set that is full; then in how many us all
-- of the rate is there again; then members of the full set that were not looked at for longest, if there are any
-- that are to be looked at.

local LOOKED_AT = 256
-- A set that is looked at on and on is gone through once in this time, in ms, whoever looks.
local ONCE_IN = 1000
local LIMITS = 5
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now / 1000)
local share, period, looked_in = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local sets = #ARGV - LIMITS

-- What is no set was never ours.
for at = 1, sets do
  local kind = redis.call('TYPE', KEYS[at]).ok
  if kind ~= 'zset' and kind ~= 'none' then
    redis.call('DEL', KEYS[at])
  end
end
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return {0, 0, {}}
end
for at = 1, sets do
  local most = tonumber(ARGV[LIMITS + at])
  if most > 0 and redis.call('ZCARD', KEYS[at]) >= most then
    local until_ms = at == looked_in and now - ONCE_IN or '+inf'
    local oldest = redis.call('ZRANGEBYSCORE', KEYS[at], '-inf', until_ms, 'LIMIT', 0, LOOKED_AT)
    for _, member in ipairs(oldest) do
      redis.call('ZADD', KEYS[at], 'XX', now, member)
    end
    return {at, 0, oldest}
  end
end
local whole_at = now
if period > 0 then
  local rate = KEYS[sets + 1]
  -- What is no point in time that this could have put there was never ours.
  local text = redis.call('TYPE', rate).ok == 'string' and redis.call('GET', rate)
  local known = tonumber(text or '')
  if known and known > now and known <= now + period then
    whole_at = known
  end
  if whole_at + share - now > period then
    return {-1, whole_at - now, {}}
  end
  whole_at = whole_at + share
  local ms = math.ceil((whole_at - now) / 1000)
  redis.call('SET', rate, string.format('%.0f', whole_at), 'PX', math.max(ms, 1))
end
for at = 1, 2 do
  redis.call('ZADD', KEYS[at], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[at], ARGV[2])
end
return {0, whole_at - now, {}}
