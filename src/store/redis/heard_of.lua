#!lua
-- Notes that a process is there, and forgets those that are not (port: Quotas::heard_of).
--
-- KEYS[1]  the processes: a sorted set, the scores are until when each is taken to be alive, in ms of the
--          server's clock
-- ARGV     1 for how many ms from now   2 the process
--
-- Returns 1 if it was known, or else 0.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
-- What is added is new, and what is renewed is not.
return 1 - redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[2])
