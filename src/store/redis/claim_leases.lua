#!lua
-- Takes leases that have run out (port: Leases::claim).
--
-- KEYS[1]  the leases: a sorted set, the scores are when each runs out, in ms of the server's clock
-- ARGV     1 how many to take at most   2 for how many ms from now
--
-- Returns the sessions taken.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local taken = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, session in ipairs(taken) do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), session)
end
return taken
