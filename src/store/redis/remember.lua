#!lua
-- Puts one run's messages into its conversation (port: Sessions::remember).
--
-- KEYS[1]  the conversation: a hash, one field for each run; fields sort as the runs began
-- ARGV     1 the run's field   2 its messages   3 how many runs to keep   4 seconds to live from now

redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
local surplus = redis.call('HLEN', KEYS[1]) - tonumber(ARGV[3])
if surplus > 0 then
  local runs = redis.call('HKEYS', KEYS[1])
  table.sort(runs)
  for i = 1, surplus do
    redis.call('HDEL', KEYS[1], runs[i])
  end
end
-- For a run that waits for an answer it may be kept longer already.
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[4]) then
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return redis.status_reply('OK')
