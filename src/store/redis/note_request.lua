#!lua
-- Notes where a request stands in its tenant's inbox, and tells of the change (port: Inbox::note).
--
-- KEYS     1 the places of what waits   2 the places of what is decided   3 the requests   4 the changes
-- ARGV     1 the request's id   2 the change's session   3 the change
--          4 what is kept of the request: it begins with the rank of its stage, when it was asked and when it
--          was decided, each in 20 digits and with a colon after it
--          5 its place among what waits   6 its place among what is decided; empty: it waits
--          7 the time in ms   8 seconds to live from now   9 the channel of those who follow
--          10, 11 how many places there may be at most, of either kind
--          12, 13 the places before these have expired, of either kind
--          14 how many changes to keep
--          15 the change before, if nothing was noted of the request so far; empty: there is none
--          16 what may be kept of the request and counts for nothing; empty: there is no such
--
-- Nothing is written before it is known that all of it can be. What others have put in the way goes: a key of
-- another type, and changes after which no other can come.
--
-- Returns 'known' and what is kept if the request had come as far already, else 'noted', or 'anew' if the changes
-- begin anew, and an empty text.

-- A place is the time in 20 digits, a colon, and the request's id.
local ID_FROM = 22
-- So many places are dropped, and changes looked at, at once.
local AT_ONCE = 100

-- The largest id of a change: above it, doubles skip numbers.
local ID_MAX = 2^53 - 1

for at, kind in ipairs({'zset', 'zset', 'hash', 'stream'}) do
  local found = redis.call('TYPE', KEYS[at]).ok
  if found ~= kind and found ~= 'none' then
    redis.call('DEL', KEYS[at])
  end
end

-- What no number stands at the beginning of was never ours.
local function rank(kept)
  return tonumber(string.sub(kept, 1, 20)) or -1
end

local known = redis.call('HGET', KEYS[3], ARGV[1])
if known and known ~= ARGV[16] and rank(known) >= rank(ARGV[4]) then
  return {'known', known}
end

-- The newest id that can be one of ours.
local function newest_of_ours()
  local to = '+'
  while true do
    local entries = redis.call('XREVRANGE', KEYS[4], to, '-', 'COUNT', AT_ONCE)
    for _, entry in ipairs(entries) do
      local id = tonumber(string.match(entry[1], '^(%d+)-0$'))
      if id and id < ID_MAX / 2 then
        return id
      end
      to = '(' .. entry[1]
    end
    if #entries < AT_ONCE then
      return 0
    end
  end
end

-- The newest id that there ever was: the next has to be above it.
local function last_generated()
  if redis.call('EXISTS', KEYS[4]) == 0 then
    return 0
  end
  local info = redis.call('XINFO', 'STREAM', KEYS[4])
  for at = 1, #info, 2 do
    if info[at] == 'last-generated-id' then
      return tonumber(string.match(info[at + 1], '^%d+'))
    end
  end
end

local answer = 'noted'
local last = last_generated()
if last > ID_MAX - 2 then
  last = newest_of_ours()
  redis.call('DEL', KEYS[4])
  -- Something came before it, even if nothing of that is left.
  last = math.max(last, 1)
  answer = 'anew'
end

redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
if ARGV[6] == '' then
  redis.call('ZADD', KEYS[1], 0, ARGV[5])
else
  redis.call('ZREM', KEYS[1], ARGV[5])
  if known then
    redis.call('ZREM', KEYS[1], string.sub(known, 22, 41) .. ':' .. ARGV[1])
  end
  redis.call('ZADD', KEYS[2], 0, ARGV[6])
end

-- `at` is where what is kept of a request has the time of its place.
local function drop(key, most, oldest, at)
  local gone = redis.call('ZRANGE', key, '-', oldest, 'BYLEX', 'LIMIT', 0, AT_ONCE)
  local over = math.min(redis.call('ZCARD', key) - tonumber(most), AT_ONCE)
  if over > #gone then
    gone = redis.call('ZRANGE', key, 0, over - 1)
  end
  for _, place in ipairs(gone) do
    redis.call('ZREM', key, place)
    local id = string.sub(place, ID_FROM)
    local kept = redis.call('HGET', KEYS[3], id)
    -- A place that its request does not know says nothing of it.
    if kept and string.sub(kept, at, at + 19) == string.sub(place, 1, 20) then
      redis.call('HDEL', KEYS[3], id)
    end
  end
end
drop(KEYS[1], ARGV[10], ARGV[12], 22)
drop(KEYS[2], ARGV[11], ARGV[13], 43)

local function tell(item)
  local change = {'q', ARGV[1], 's', ARGV[2], 'd', item}
  if last == 0 then
    -- Nothing came before it.
    change[#change + 1] = 'f'
    change[#change + 1] = ''
  end
  last = math.max(tonumber(ARGV[7]), last + 1)
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[14], string.format('%.0f-0', last), unpack(change))
end
if not known and ARGV[15] ~= '' then
  tell(ARGV[15])
end
tell(ARGV[3])
for at = 1, 4 do
  redis.call('EXPIRE', KEYS[at], ARGV[8])
end
redis.call('PUBLISH', ARGV[9], '')
return {answer, ''}
