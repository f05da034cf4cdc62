#!lua
-- Claims an Idempotency-Key or joins what it stands for (port: Idempotency::claim_key, join_key).
--
-- KEYS[1]  what the key stands for: a hash of `session`, `request` and, once it is so, `wanted`, `begun`
-- ARGV     1 the hash of the request                  3 a session that it may be taken from, or nothing
--          2 the session to stand for, or nothing     4 seconds to live from the claim
--
-- Returns nothing if the key stands for ARGV[2] now, or for nothing; otherwise the session, the hash of
-- the request that claimed it, and 1 if the session has begun.

local standing = redis.call('HMGET', KEYS[1], 'session', 'request', 'begun')
local session, request, begun = standing[1], standing[2], standing[3]

if ARGV[2] ~= '' then
  if session == ARGV[2] then
    return {}
  end
  if not session or (session == ARGV[3] and not begun) then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'session', ARGV[2], 'request', ARGV[1])
    redis.call('EXPIRE', KEYS[1], ARGV[4])
    return {}
  end
end

if not session then
  return {}
end
if request == ARGV[1] then
  redis.call('HSET', KEYS[1], 'wanted', 1)
end
return {session, request, begun or '0'}
