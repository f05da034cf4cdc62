#!lua
-- Moves the anchor of an audit chain on from where it is thought to be (`audit/anchor.rs`).
--
-- KEYS[1]  the anchor: a hash
-- ARGV     1 the seal of what is thought to stand there, empty: nothing does
--          2 the number of the newest entry   3 its hash   4 the seal of both
--
-- Returns what stands there instead, its number, hash and seal; nothing if the anchor was moved.

local kind = redis.call('TYPE', KEYS[1]).ok
local stands = {'', '', ''}
if kind == 'hash' then
  local found = redis.call('HMGET', KEYS[1], 'number', 'hash', 'mac')
  stands = {found[1] or '?', found[2] or '?', found[3] or '?'}
elseif kind ~= 'none' then
  stands = {'?', '?', '?'}
end
if stands[3] ~= ARGV[1] then
  return stands
end
redis.call('HSET', KEYS[1], 'number', ARGV[2], 'hash', ARGV[3], 'mac', ARGV[4])
return false
