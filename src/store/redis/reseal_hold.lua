#!lua
-- Replaces a hold that is still as it was read (port: HoldStore::reseal_hold).
--
-- KEYS[1]  the holds: a hash
-- ARGV     1 the name   2 as it was read   3 what takes its place

if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return redis.status_reply('OK')
