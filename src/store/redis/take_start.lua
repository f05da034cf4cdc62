#!lua
-- Takes one of what a rate allows (port: Quotas::take_start).
--
-- KEYS[1]  when all of it is there again, in us of the server's clock
-- ARGV     1 how far one use moves that, in us   2 the rate's whole period, in us
--
-- Returns whether it was granted, 1 or 0, and in how many us all of it is there again.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local share, period = tonumber(ARGV[1]), tonumber(ARGV[2])
-- Whatever somebody else has put there lasts no longer than a period.
local whole_at = math.min(tonumber(redis.call('GET', KEYS[1]) or '') or now, now + period)
whole_at = math.max(whole_at, now)
if whole_at + share - now > period then
  return {0, whole_at - now}
end
whole_at = whole_at + share
local ms = math.ceil((whole_at - now) / 1000)
redis.call('SET', KEYS[1], string.format('%.0f', whole_at), 'PX', math.max(ms, 1))
return {1, whole_at - now}
