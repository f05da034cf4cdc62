#!lua
-- Compare-and-append on one journal (port: Journal::append). All of it happens or none of it.
--
-- KEYS[1]  the journal
-- ARGV     1 id of the entry that must be the last    4 how many entries to keep
--          2 id of the batch's last entry             5 seconds to live from now
--          3 the batch's nonce                        6 channel of its readers
--          then for each entry: its id, the number of arguments that follow, its fields and values
--
-- Returns 1 if the batch was appended, 2 if it already is the end of the journal, 3 if there is no
-- journal to append to, 0 otherwise.

local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local last = newest and newest[1] or '0-0'

if last ~= ARGV[1] then
  if not newest then
    return 3
  end
  if last == ARGV[2] then
    local fields = newest[2]
    for i = 1, #fields, 2 do
      if fields[i] == 'n' and fields[i + 1] == ARGV[3] then
        return 2
      end
    end
  end
  return 0
end

local at = 7
while at <= #ARGV do
  local width = tonumber(ARGV[at + 1])
  redis.call('XADD', KEYS[1], ARGV[at], unpack(ARGV, at + 2, at + 1 + width))
  at = at + 2 + width
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('PUBLISH', ARGV[6], ARGV[2])
return 1
