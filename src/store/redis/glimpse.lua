#!lua flags=no-writes
-- Reads the newest entries of a journal, and no more than the beginning of each (port: Journal::glimpse).
--
-- KEYS[1]  the journal
-- ARGV     1 how many entries   2 most bytes of a value

local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1])
local most = tonumber(ARGV[2])
for _, entry in ipairs(newest) do
  local fields = entry[2]
  for at = 2, #fields, 2 do
    fields[at] = string.sub(fields[at], 1, most)
  end
end
return newest
