#!lua
-- Takes a hold away (port: HoldStore::lift_hold).
--
-- KEYS[1]  the holds: a hash
-- ARGV     1 the name   2 the channel of all processes   3 what to tell them

if redis.call('TYPE', KEYS[1]).ok == 'hash' then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return redis.status_reply('OK')
