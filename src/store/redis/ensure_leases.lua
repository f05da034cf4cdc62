#!lua
-- Gives leases to those that have none (port: Leases::ensure).
--
-- KEYS[1]  the leases: a sorted set, the scores are when each runs out, in ms of the server's clock
-- ARGV     1 for how many ms from now   then the sessions

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for at = 2, #ARGV do
  redis.call('ZADD', KEYS[1], 'NX', now + tonumber(ARGV[1]), ARGV[at])
end
return redis.status_reply('OK')
