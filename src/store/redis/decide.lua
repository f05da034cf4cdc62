#!lua
-- Writes a decision unless there is one (port: Approvals::decide).
--
-- KEYS[1]  the decision
-- ARGV     1 the decision   2 seconds to live from now
--          3 what may stand there without being one, where the caller has found such a thing
--
-- Returns what stands already; nothing if the decision was written. What is no text was never ours.

local standing = nil
if redis.call('TYPE', KEYS[1]).ok == 'string' then
  standing = redis.call('GET', KEYS[1])
end
if standing and standing ~= ARGV[3] then
  return standing
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return false
