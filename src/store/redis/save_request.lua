#!lua
-- Replaces a stored request that has not expired, and tells who listens (port:
-- Approvals::save_request).
--
-- KEYS[1]  the request
-- ARGV     1 what is to be stored    2 the channel of the tenant's requests
--          3 how long it is kept, in seconds, where somebody's plain SET has taken its end away

if redis.call('SET', KEYS[1], ARGV[1], 'XX', 'KEEPTTL') then
  if redis.call('TTL', KEYS[1]) == -1 then
    redis.call('EXPIRE', KEYS[1], ARGV[3])
  end
  redis.call('PUBLISH', ARGV[2], ARGV[1])
end
