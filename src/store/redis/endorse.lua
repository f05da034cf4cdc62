#!lua
-- Notes that a person says yes to a request (port: Approvals::endorse).
--
-- KEYS[1]  who has said so: a set
-- ARGV     1 the person   2 seconds to live from now
--
-- Returns how many people have said so.

redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('SCARD', KEYS[1])
