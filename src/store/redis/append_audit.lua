#!lua
-- Compare-and-append on one audit chain (port: Audit::record). All of it happens or none of it.
--
-- KEYS[1]  the stream
-- ARGV     1 id of the entry that must be the newest that there ever was, '0-0' for none
--          2 its hash, empty if it has been removed or there is none
--          3 the channel on which others hear of entries
--          then for each entry: its id, the hash of the one before, the fact, its hash, its seal or '', and what is
--          published of it or ''
--
-- Returns {1, '', ''} if the entries were appended, otherwise {0, id, hash}: what has to be named.

local id, hash = '0-0', ''
if redis.call('EXISTS', KEYS[1]) == 1 then
  -- Removing the newest entry does not bring this id back, so no number is given out twice.
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then id = info[i + 1] end
  end
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  local fields = newest and newest[2] or {}
  for i = 1, #fields, 2 do
    if fields[i] == 'hash' then hash = fields[i + 1] end
  end
end

if id ~= ARGV[1] or hash ~= ARGV[2] then
  return {0, id, hash}
end

for at = 4, #ARGV, 6 do
  local fields = {'previous', ARGV[at + 1], 'fact', ARGV[at + 2], 'hash', ARGV[at + 3]}
  if ARGV[at + 4] ~= '' then
    fields[7], fields[8] = 'mac', ARGV[at + 4]
  end
  redis.call('XADD', KEYS[1], ARGV[at], unpack(fields))
  if ARGV[at + 5] ~= '' then
    -- Whatever comes of that, the entry is recorded.
    redis.pcall('PUBLISH', ARGV[3], ARGV[at + 5])
  end
end
return {1, '', ''}
