#!lua
-- Notes that the session of an Idempotency-Key has begun (port: Idempotency::key_begun).
--
-- KEYS[1]  what the key stands for: a hash of `session`, `request` and, once it is so, `wanted`, `begun`
-- ARGV     1 the session that has begun

if redis.call('HGET', KEYS[1], 'session') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'begun', 1)
end
