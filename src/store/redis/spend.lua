#!lua
-- Adds to what a tenant has used on a day (port: Spending::spend).
--
-- KEYS[1]  the day's total: a number
-- ARGV     1 how much to add, at most the largest total   2 seconds to live from now
--          3 the largest total
--
-- Returns the new total.

local total = redis.call('INCRBY', KEYS[1], ARGV[1])
-- Numbers of Lua are doubles: of what is above the largest total, some look like it.
if total >= tonumber(ARGV[3]) then
  redis.call('SET', KEYS[1], ARGV[3])
  total = tonumber(ARGV[3])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return total
