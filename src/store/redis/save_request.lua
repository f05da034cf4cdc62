#!lua
-- Replaces a stored request that has not expired, and tells who listens (port:
-- Approvals::save_request).
--
-- KEYS[1]  the request
-- ARGV     1 what is to be stored    2 the channel of the tenant's requests

if redis.call('SET', KEYS[1], ARGV[1], 'XX', 'KEEPTTL') then
  redis.call('PUBLISH', ARGV[2], ARGV[1])
end
