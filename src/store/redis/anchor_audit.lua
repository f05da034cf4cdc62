#!lua
-- Notes how far an audit chain goes, unless it is known to go further (`audit/anchor.rs`).
--
-- KEYS[1]  the anchor: a hash
-- ARGV     1 the number of the newest entry   2 its hash   3 the seal of both

local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then
  redis.call('DEL', KEYS[1])
end
local known = tonumber(redis.call('HGET', KEYS[1], 'number') or '')
if not known or known < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'number', ARGV[1], 'hash', ARGV[2], 'mac', ARGV[3])
end
