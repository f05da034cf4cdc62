#!lua flags=no-writes
-- Reads a stored request, if it is not the one that was seen (port: Approvals::new_votes).
--
-- KEYS[1]  the request
-- ARGV     1 the mark of what was seen; empty: nothing was
--
-- Returns nothing if there is none, its mark alone if that is what was seen, otherwise its mark and itself.

local text = redis.call('GET', KEYS[1])
if not text then
  return {}
end
local mark = redis.sha1hex(text)
if mark == ARGV[1] then
  return {mark}
end
return {mark, text}
