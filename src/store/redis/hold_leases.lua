-- Takes or renews leases (port: Leases::hold), or gives them up (port: Leases::release).
--
-- KEYS[1]  the leases: a sorted set, the scores are when each runs out, in ms of the server's clock
-- ARGV     1 for how many ms from now; '' gives up what is held: it has run out since ever
--          then the sessions

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local give_up = ARGV[1] == ''
local score = give_up and 0 or now + tonumber(ARGV[1])

-- unpack() takes some thousands of values at most.
for first = 2, #ARGV, 1000 do
  local members = {}
  for at = first, math.min(first + 999, #ARGV) do
    members[#members + 1] = score
    members[#members + 1] = ARGV[at]
  end
  if give_up then
    redis.call('ZADD', KEYS[1], 'XX', unpack(members))
  else
    redis.call('ZADD', KEYS[1], unpack(members))
  end
end
return redis.status_reply('OK')
