package redisstore

import "github.com/redis/go-redis/v9"

// A script is known to a server by its hash once it has been sent its text.
type script struct{ text, hash string }

func newScript(text string) script { return script{text, redis.NewScript(text).Hash()} }

// The scripts take numbers as 8 big-endian bytes. In Lua they are neither
// converted (doubles lose the last digits) nor compared as strings (that follows
// the server's locale), but unpacked into halves. Positions are those of codec.go
// plus one.
const prelude = `
local function later(a, b)
  local ah, al = struct.unpack('>I4I4', a)
  local bh, bl = struct.unpack('>I4I4', b)
  return ah > bh or (ah == bh and al > bl)
end

local function latest(a, b)
  if later(a, b) then return a end
  return b
end

-- The value up to the principal; '' where there is no key; false where the value
-- cannot be read. A failure of another kind ends the script.
local function head(key, kind)
  local h = redis.pcall('GETRANGE', key, 0, 335)
  if type(h) == 'table' then
    if string.find(h.err, 'WRONGTYPE', 1, true) then return false end
    error(h.err, 0)
  end
  if h == '' and redis.call('EXISTS', key) == 0 then return '' end
  if #h < 80 or h:sub(1, 2) ~= kind then return false end
  return h:sub(1, 80 + h:byte(76) * 256 + h:byte(77))
end

local function principal(v) return v:sub(81, 80 + v:byte(76) * 256 + v:byte(77)) end

-- When the session ends for sure.
local function ends(v) return latest(v:sub(27, 34), v:sub(59, 66)) end

-- Raises the times of use of the value whose head is given, and returns the new
-- head.
local function raise(key, h, seen, expires, ttl)
  local new = h:sub(1, 18) .. latest(seen, h:sub(19, 26)) .. latest(expires, h:sub(27, 34)) .. h:sub(35)
  if new ~= h then redis.call('SETRANGE', key, 18, new:sub(19, 34)) end
  if later(expires, h:sub(27, 34)) and redis.call('PTTL', key) < tonumber(ttl) then
    redis.call('PEXPIRE', key, ttl)
  end
  return new
end

-- Enters a record into the index of its principal. Drops what is gone for sure,
-- so that an index that nobody lists stays small.
local function enlist(bycreated, byend, member, ending, now, grace)
  redis.call('ZADD', bycreated, 0, member)
  redis.call('ZADD', byend, 'GT', ending, member)
  local gone = redis.call('ZRANGEBYSCORE', byend, '-inf', string.format('(%.0f', now - grace), 'LIMIT', 0, 100)
  for _, m in ipairs(gone) do
    redis.call('ZREM', bycreated, m)
    redis.call('ZREM', byend, m)
  end
  local last = redis.call('ZRANGE', byend, -1, -1, 'WITHSCORES')
  local ttl = string.format('%.0f', math.min(tonumber(last[2]) - now + grace, 6.4e12)) -- more is an error: 200 years, as of a record
  redis.call('PEXPIRE', bycreated, ttl)
  redis.call('PEXPIRE', byend, ttl)
end
`

// What the scripts of the store answer. The head of the record follows "done"
// where the index has to be told.
const (
	done       = 'd'
	absent     = 'a'
	exists     = 'x'
	conflict   = 'c'
	unreadable = 'u'
)

var (
	// KEYS record, or record and index; ARGV value, ttl, or besides what enlist takes.
	createScript = newScript(prelude + `
if redis.call('EXISTS', KEYS[1]) == 1 then return 'x' end
if KEYS[2] then
  enlist(KEYS[2], KEYS[3], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]))
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'd'`)

	// KEYS record; ARGV expected version, value, ttl. Answers the head from
	// before where the index has to follow.
	updateScript = newScript(prelude + `
local h, new = head(KEYS[1], 'R1'), ARGV[2]
if not h then return 'u' end
if h == '' then return 'a' end
if h:sub(3, 10) ~= ARGV[1] then return 'c' end
if principal(new) ~= '' or later(h:sub(19, 26), new:sub(19, 26)) then -- the stamp matters to the index only
  new = new:sub(1, 18) .. latest(new:sub(19, 26), h:sub(19, 26)) .. new:sub(27, 34) .. h:sub(35, 42) .. new:sub(43)
end
redis.call('SET', KEYS[1], new, 'PX', ARGV[3])
if principal(h) ~= principal(new) or h:sub(43, 50) ~= new:sub(43, 50)
  or (principal(h) ~= '' and later(ends(new), ends(h))) then return 'd' .. h end
return 'd'`)

	// KEYS record; ARGV expected version, last seen, expires, ttl. Answers the
	// head as it is now, if the record has a principal.
	touchScript = newScript(prelude + `
local h = head(KEYS[1], 'R1')
if not h then return 'u' end
if h == '' then return 'a' end
if h:sub(3, 10) ~= ARGV[1] then return 'c' end
h = raise(KEYS[1], h, ARGV[2], ARGV[3], ARGV[4])
if principal(h) == '' then return 'd' end
return 'd' .. h`)

	// KEYS record; ARGV expected version. Answers the head, if the record has a
	// principal.
	deleteScript = newScript(prelude + `
local h = head(KEYS[1], 'R1')
if not h then return 'u' end
if h == '' then return 'a' end
if h:sub(3, 10) ~= ARGV[1] then return 'c' end
redis.call('DEL', KEYS[1])
if principal(h) == '' then return 'd' end
return 'd' .. h`)

	// KEYS record; ARGV time. Deletes the record if it expired before, and answers
	// as deleteScript does.
	purgeScript = newScript(prelude + `
local h = head(KEYS[1], 'R1')
if not h then return 'u' end
if h == '' then return 'a' end
if not later(ARGV[1], h:sub(27, 34)) then return 'c' end
redis.call('DEL', KEYS[1])
if principal(h) == '' then return 'd' end
return 'd' .. h`)

	// KEYS index; ARGV what enlist takes.
	enlistScript = newScript(prelude + `
enlist(KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
return 'd'`)

	// KEYS index; ARGV members.
	delistScript = newScript(`
for _, m in ipairs(ARGV) do
  redis.call('ZREM', KEYS[1], m)
  redis.call('ZREM', KEYS[2], m)
end
return 'd'`)
)

// The scripts of the cache answer nothing of interest. A value that cannot be
// read is an entry of version 0 to them.
var (
	// KEYS entry; ARGV lease, value, ttl.
	fillScript = newScript(`
local v = redis.pcall('GETRANGE', KEYS[1], 0, 18)
if v == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 'd'`)

	// KEYS entry; ARGV value, ttl.
	replaceScript = newScript(prelude + `
local h, new = head(KEYS[1], 'E1'), ARGV[1]
if h == '' then return 'a' end
local version = string.rep('\0', 8)
if h then
  version = h:sub(3, 10)
elseif redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GETRANGE', KEYS[1], 0, 1) == 'L1' then
  redis.call('DEL', KEYS[1])
  return 'd'
end
if later(new:sub(3, 10), version) then redis.call('SET', KEYS[1], new, 'PX', ARGV[2]) end
return 'd'`)

	// KEYS entry; ARGV expected version, last seen, expires, ttl.
	raiseScript = newScript(prelude + `
local h = head(KEYS[1], 'E1')
if h == '' then return 'a' end
if h then
  if h:sub(3, 10) == ARGV[1] then raise(KEYS[1], h, ARGV[2], ARGV[3], ARGV[4]) end
elseif redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GETRANGE', KEYS[1], 0, 1) == 'L1' then
  redis.call('DEL', KEYS[1])
end
return 'd'`)

	// KEYS entry; ARGV the first 42 bytes of the entry that was read, value, ttl.
	refreshScript = newScript(`
local v = redis.pcall('GETRANGE', KEYS[1], 0, 41)
if v == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 'd'`)
)
