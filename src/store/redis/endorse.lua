#!lua
-- Notes that a person says yes to a request (port: Approvals::endorse).
--
-- KEYS[1]  the yeses: a set
-- ARGV     1 the yes   2 seconds to live from now
--
-- Returns all that are noted. What is no set was never ours.

local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'set' and kind ~= 'none' then
  redis.call('DEL', KEYS[1])
end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('SMEMBERS', KEYS[1])
