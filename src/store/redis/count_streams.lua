#!lua
-- Notes how many streams of a user a process has open (port: Quotas::count_streams).
--
-- KEYS[1]  a hash: of each process "<version>:<count>"
-- ARGV     1 the process   2 the version   3 the count   4 how many there may be, 0: any
--          5 for how many ms it is kept from now
--
-- Returns 0: noted; or 1: there would be too many; then the other processes that have some open.

local version, count, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local total, others, noted = count, {}, nil
-- What is no hash was never ours.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then
  redis.call('DEL', KEYS[1])
end
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local known_version, known = string.match(all[at + 1], '^(%d+):(%d+)$')
  if all[at] == ARGV[1] then
    noted = {version = tonumber(known_version), count = tonumber(known)}
  else
    total = total + (tonumber(known) or 0)
    others[#others + 1] = all[at]
  end
end
if noted and noted.version and noted.version >= version then
  return {0, {}}
end
local grows = count > (noted and noted.count or 0)
if grows and most > 0 and total > most then
  return {1, others}
end
-- Also where nothing is open any more: an older count that is late must not stand for a newer one.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {0, {}}
