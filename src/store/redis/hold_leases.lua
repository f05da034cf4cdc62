#!lua
-- Takes or renews leases (port: Leases::hold).
--
-- KEYS[1]  the leases: a sorted set, the scores are when each runs out, in ms of the server's clock
-- ARGV     1 for how many ms from now   then the sessions

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local score = now + tonumber(ARGV[1])

-- unpack() takes some thousands of values at most.
for first = 2, #ARGV, 1000 do
  local members = {}
  for at = first, math.min(first + 999, #ARGV) do
    members[#members + 1] = score
    members[#members + 1] = ARGV[at]
  end
  redis.call('ZADD', KEYS[1], unpack(members))
end
return redis.status_reply('OK')
