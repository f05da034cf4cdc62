#!lua
-- Gives leases up (port: Leases::release): they have run out since ever.
--
-- KEYS[1]  the leases: a sorted set, the scores are when each runs out
-- ARGV     1 the channel of all processes   2 what to tell them   then the sessions

for at = 3, #ARGV do
  redis.call('ZADD', KEYS[1], 'XX', 0, ARGV[at])
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return redis.status_reply('OK')
