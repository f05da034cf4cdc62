#!lua flags=no-writes
-- Reads noted requests, newest first (port: Inbox::noted).
--
-- KEYS     1 their places   2 the requests
-- ARGV     1 from where   2 to where   3 how many at most
--
-- Returns each place and what is kept of its request, in turn; nothing of that where it is gone.

local ID_FROM = 22
local found = {}
for _, place in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYLEX', 'REV', 'LIMIT', 0, ARGV[3])) do
  found[#found + 1] = place
  found[#found + 1] = redis.call('HGET', KEYS[2], string.sub(place, ID_FROM)) or ''
end
return found
