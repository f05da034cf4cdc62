#!lua
-- Frees an Idempotency-Key (port: Idempotency::free_key).
--
-- KEYS[1]  what the key stands for: a hash of `session`, `request` and, once it is so, `wanted`, `begun`
-- ARGV     1 the session that it is not to stand for any more
--
-- Returns 1 if it does not stand for that, 0 if it still does because somebody wants it.

local standing = redis.call('HMGET', KEYS[1], 'session', 'wanted')
if standing[1] == ARGV[1] then
  if standing[2] then
    return 0
  end
  redis.call('DEL', KEYS[1])
end
return 1
