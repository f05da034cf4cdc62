#!lua
-- Lists a run in an index of runs (port: RunIndex).
--
-- KEYS[1]  the index: a sorted set, all scores are 0; members sort as the runs were started
-- ARGV     1 the run's place   2 places below this one have expired   3 how many places are kept
--          4 seconds to live from now

-- What is no sorted set was never ours.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'zset' and kind ~= 'none' then
  redis.call('DEL', KEYS[1])
end
-- Nor was what has another score, which would be out of order.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(0')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(0', '+inf')
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('ZREMRANGEBYLEX', KEYS[1], '-', '(' .. ARGV[2])
local surplus = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[3])
if surplus > 0 then
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, surplus - 1)
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return redis.status_reply('OK')
