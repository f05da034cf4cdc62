#!lua
-- Adds to what a tenant has used on a day (port: Spending::spend).
--
-- KEYS[1]  the day's total: a number
-- ARGV     1 how much to add   2 seconds to live from now
--
-- Returns the new total.

local total = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return total
