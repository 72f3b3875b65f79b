package redis

import goredis "github.com/redis/go-redis/v9"

// Scripts run on the server's time and touch one place each, so that all their keys lie in one slot. A member is known by its name and by a
// fence, a number that grows with each of its sessions: what comes with an old fence does nothing. Every script that settles, renews or
// takes begins with that check, and whoever takes what a silent member held ends that member's session in the same script.

// own is for scripts of a member: whether its session stands.
const own = `
local function mine()
  local v = redis.call('HGET', KEYS[1], 'm:' .. ARGV[2])
  return v and string.match(v, '^(%d+)|') == ARGV[3]
end
`

// prelude is what the scripts share. KEYS[1] is the members' hash, KEYS[2] the stream and KEYS[3] the inbox; ARGV[1] is the group, ARGV[2]
// the member and ARGV[3] its fence.
const prelude = own + `
local RELEASED, LONG = 'herald..released', 1000000000
local function now() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end
local function attributes(reply)
  local a = {}
  for i = 1, #reply, 2 do a[reply[i]] = reply[i + 1] end
  return a
end
-- missing counts entries that retention has taken from hand. What an earlier group of this name may have finished makes their number unknown.
local function missing(key, n)
  if key == KEYS[2] then redis.call('HINCRBY', KEYS[1], 'left', n) end
  if key == KEYS[2] and redis.call('HGET', KEYS[1], 'cloud') then redis.call('HINCRBY', KEYS[1], 'vague', 1)
  else redis.call('HINCRBY', KEYS[1], 'lost', n) end
end
local function after(a, b)
  local am, as = string.match(a, '^(%d+)-(%d+)$')
  local bm, bs = string.match(b, '^(%d+)-(%d+)$')
  am, bm = tonumber(am), tonumber(bm)
  return am > bm or am == bm and tonumber(as) > tonumber(bs)
end
-- raise notes that handlers may have been given entries up to an id.
local function raise(id)
  local top = redis.call('HGET', KEYS[1], 'top')
  if id ~= '' and (not top or after(id, top)) then redis.call('HSET', KEYS[1], 'top', id) end
end
-- informs takes up to where a member has given entries to handlers; once a group has been made again, that is awaited of each.
local function informs(name, id)
  raise(id)
  redis.call('HDEL', KEYS[1], 'await:' .. name)
end
-- clear ends what informs is about.
local function clear()
  redis.call('HDEL', KEYS[1], 'cloud')
  local fields = redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    if string.find(fields[i], '^await:') then redis.call('HDEL', KEYS[1], fields[i]) end
  end
end
-- told notes up to where losses have been told, of known and of unknown number.
local function told(known, vague)
  local t = redis.call('HMGET', KEYS[1], 'told', 'told-vague')
  if tonumber(known) > tonumber(t[1] or '0') then redis.call('HSET', KEYS[1], 'told', known) end
  if tonumber(vague) > tonumber(t[2] or '0') then redis.call('HSET', KEYS[1], 'told-vague', vague) end
end
-- handover gives entries of a consumer to nobody in particular; ids that retention has taken are counted as lost.
local function handover(key, group, name, idle)
  local moved, from = 0, '-'
  while true do
    local p
    if idle then p = redis.pcall('XPENDING', key, group, 'IDLE', idle, from, '+', 500, name)
    else p = redis.pcall('XPENDING', key, group, from, '+', 500, name) end
    if p.err or #p == 0 then break end
    local cmd = {'XCLAIM', key, group, RELEASED, 0}
    for i = 1, #p do cmd[#cmd + 1] = p[i][1] end
    cmd[#cmd + 1] = 'IDLE' cmd[#cmd + 1] = LONG cmd[#cmd + 1] = 'JUSTID'
    local got = redis.call(unpack(cmd))
    moved = moved + #got
    if #got < #p then missing(key, #p - #got) end
    from = '(' .. p[#p][1]
  end
  return moved
end
-- bury ends a member's session.
local function bury(group, name)
  local moved = 0
  for i = 2, #KEYS do
    if i > 3 then break end
    moved = moved + handover(KEYS[i], group, name)
    local left = redis.pcall('XPENDING', KEYS[i], group, '-', '+', 1, name)
    if not left.err and #left == 0 then redis.pcall('XGROUP', 'DELCONSUMER', KEYS[i], group, name) end
  end
  redis.call('HDEL', KEYS[1], 'm:' .. name)
  return moved
end
-- others returns the live members but for this one, having buried the dead.
local function others(group, me, t)
  local live, silent = {}, false
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local name = string.match(all[i], '^m:(.*)$')
    if name and name ~= me then
      if tonumber(string.match(all[i + 1], '|(%d+)$')) < t then bury(group, name) silent = true else live[#live + 1] = name end
    end
  end
  if silent and KEYS[2] then -- what it has given to handlers nobody will say
    local groups = redis.pcall('XINFO', 'GROUPS', KEYS[2])
    for i = 1, groups.err and 0 or #groups do
      local g = attributes(groups[i])
      if g.name == group then raise(g['last-delivered-id']) end
    end
  end
  return live
end
local function wake(live)
  if #live > 0 and KEYS[3] then redis.pcall('XADD', KEYS[3], 'NOMKSTREAM', '*', 'herald-nudge', '1') end
end
`

// joinScript begins a session. ARGV: group, member, session in ms, how (0: whoever else is there, 1: as the only member, 2: as the only member, and
// only if an earlier session of this name was the last), filter, order, the last entry that the member has given to a handler. It returns {fence, 0, how much has been lost, how much of that was told, the same of losses of unknown number,
// since when that is counted}, or {0, why} with why 1: another member owns this, 2: another filter, 3: another order.
var joinScript = goredis.NewScript(prelude + `
local t = now()
local live = others(ARGV[1], ARGV[2], t)
if ARGV[4] == '2' and not redis.call('HGET', KEYS[1], 'm:' .. ARGV[2]) then return {0, 1} end
if #live > 0 then
  if ARGV[4] ~= '0' then return {0, 1} end
  if redis.call('HGET', KEYS[1], 'filter') ~= ARGV[5] then return {0, 2} end
  if redis.call('HGET', KEYS[1], 'order') ~= ARGV[6] then return {0, 3} end
end
bury(ARGV[1], ARGV[2])
informs(ARGV[2], ARGV[7])
redis.call('HSET', KEYS[1], 'filter', ARGV[5], 'order', ARGV[6])
local fence = redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('HSET', KEYS[1], 'm:' .. ARGV[2], fence .. '|' .. string.format('%.0f', t + ARGV[3]))
local n = redis.call('HMGET', KEYS[1], 'lost', 'told', 'vague', 'told-vague')
for i = 1, 4 do n[i] = tonumber(n[i] or '0') end
local era = redis.call('HGET', KEYS[1], 'era')
if not era then
  era = string.format('%.0f', t)
  redis.call('HSET', KEYS[1], 'era', era)
end
return {fence, 0, n[1], n[2], n[3], n[4], era}
`)

// beatScript renews a session. ARGV: group, member, fence, session in ms, how much of what was lost the member has told, the same of losses of
// unknown number, the last entry that it has given to a handler, then ids of the stream that are long in hand. It brings what is due into the
// stream and the inbox (KEYS[4] and KEYS[5] are what waits for them), ends the sessions of the silent, finds what retention has taken, and returns
// {state, ms until the next is due or -1, whether something can be taken, lost so far, live members, where the group stands, how many it has not
// finished or -1, losses of unknown number so far}. state is 1, 0 for an old fence, -1 when the group is gone.
//
// Where the group stands is kept, for when it is deleted (see ensureScript): the first entry that it has not finished, or the last one that it was
// given; 1 in the first case, else 0; the last one that it was given; how many there have ever been, and how many up to that one, or "-".
var beatScript = goredis.NewScript(prelude + `
-- place returns how many entries there have been up to the last one that the group was given, where a thousand of them tell. The server's own
-- count (entries-read) says so from 7.2 on; before, it goes on by ones where a reader has skipped what was trimmed.
local function place(s, g, gone)
  local rest = redis.call('XRANGE', KEYS[2], '(' .. g['last-delivered-id'], '+', 'COUNT', 1001)
  if #rest <= 1000 then return s['entries-added'] - #rest, true end
  local given = redis.call('XRANGE', KEYS[2], '-', g['last-delivered-id'], 'COUNT', 1001)
  if #given <= 1000 then return gone + #given, true end
  return nil, false
end
-- cloudy returns up to where an earlier group of this name may have finished entries that this one has not; false where it has not.
local function cloudy()
  local cloud = redis.call('HGET', KEYS[1], 'cloud')
  if not cloud then return false end
  local fields = redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    if string.find(fields[i], '^await:') then return cloud end
  end
  return redis.call('HGET', KEYS[1], 'top') or '0-0'
end
if not mine() then return {0} end
local t = now()
redis.call('HSET', KEYS[1], 'm:' .. ARGV[2], ARGV[3] .. '|' .. string.format('%.0f', t + ARGV[4]))
local live = others(ARGV[1], ARGV[2], t)
live[#live + 1] = ARGV[2]
if not KEYS[2] then return {1, -1, 0, 0, live} end
told(ARGV[5], ARGV[6])
informs(ARGV[2], ARGV[7])
local known = {}
for i = 1, #live do known[live[i]] = true end
local takeable = 0
for i = 2, 3 do
  local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[i], ARGV[1])
  if consumers.err then return {-1, consumers.err} end
  for j = 1, #consumers do
    local c = attributes(consumers[j])
    if c.pending > 0 then
      if c.name == RELEASED then takeable = 1
      elseif not known[c.name] and handover(KEYS[i], ARGV[1], c.name, ARGV[4]) > 0 then takeable = 1 end
    end
  end
end
if #ARGV > 7 then
  local cmd = {'XCLAIM', KEYS[2], ARGV[1], ARGV[2], 0}
  for i = 8, #ARGV do
    local p = redis.call('XPENDING', KEYS[2], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
    if #p > 0 then cmd[#cmd + 1] = ARGV[i] end
  end
  if #cmd > 5 then cmd[#cmd + 1] = 'JUSTID' redis.call(unpack(cmd)) end
end
local wait = -1
for i = 2, 3 do
  local due = redis.call('ZRANGEBYSCORE', KEYS[i + 2], '-inf', t, 'LIMIT', 0, 100)
  for j = 1, #due do
    local fields = cmsgpack.unpack(string.sub(due[j], 17))
    redis.call('XADD', KEYS[i], '*', unpack(fields))
    redis.call('ZREM', KEYS[i + 2], due[j])
  end
  local first = redis.call('ZRANGE', KEYS[i + 2], 0, 0, 'WITHSCORES')
  if #first > 0 then
    local w = math.max(0, tonumber(first[2]) - t)
    if wait < 0 or w < wait then wait = w end
  end
end
local s = attributes(redis.call('XINFO', 'STREAM', KEYS[2]))
local groups = redis.call('XINFO', 'GROUPS', KEYS[2])
local stand, open = '', -1
for i = 1, #groups do
  local g = attributes(groups[i])
  if g.name == ARGV[1] then
    local gone, read, last = s['entries-added'] - s.length, g['entries-read'], g['last-delivered-id']
    local p = redis.call('XPENDING', KEYS[2], ARGV[1])
    if g.lag then open = g.lag + p[1] end
    local again, first = false, s['first-entry']
    local cloud = cloudy()
    -- lose counts what is gone, all of it after an id.
    local function lose(n, from)
      if cloud and after(cloud, from) then redis.call('HINCRBY', KEYS[1], 'vague', 1)
      else redis.call('HINCRBY', KEYS[1], 'lost', n) end
    end
    if read and gone > read and (not first or after(first[1], last)) then
      lose(gone - read, last)
      redis.call('XGROUP', 'SETID', KEYS[2], ARGV[1], last, 'ENTRIESREAD', gone)
      read = gone
    elseif read then
      local before, mark = string.match(redis.call('HGET', KEYS[1], 'mark') or '', '^(%d+)|(-?%d+)$')
      local since = string.match(redis.call('HGET', KEYS[1], 'stand') or '', '^%S+ %d (%S+)') or '0-0'
      local at, known = read, true
      if before and gone > tonumber(before) then at, known = place(s, g, gone) end
      if at and at > read then
        lose(at - read, since)
        redis.call('XGROUP', 'SETID', KEYS[2], ARGV[1], last, 'ENTRIESREAD', at)
        read = at
      elseif before then
        local skipped = math.min(read - p[1] - redis.call('HGET', KEYS[1], 'left') - mark, gone - before)
        if skipped > 0 then lose(skipped, since) end
        again = not known and skipped <= 0
      end
    end
    if read and not again then
      local left = redis.call('HINCRBY', KEYS[1], 'left', 0)
      redis.call('HSET', KEYS[1], 'mark', string.format('%.0f|%.0f', read, read - p[1] - left))
    end
    if cloud and not after(cloud, p[2] or last) or cloud and p[1] == 0 and (not first or after(first[1], cloud)) then
      clear()
    end
    local rank = '-'
    if read and not again then rank = string.format('%.0f', read) end
    stand = string.format('%s %d %s %.0f %s', p[2] or last, p[2] and 1 or 0, last, s['entries-added'], rank)
    redis.call('HSET', KEYS[1], 'stand', stand)
  end
end
local n = redis.call('HMGET', KEYS[1], 'lost', 'vague')
return {1, wait, takeable, tonumber(n[1] or '0'), live, stand, open, tonumber(n[2] or '0')}
`)

// takeScript takes what nobody holds. ARGV: group, member, fence, how many. It returns {state, from the stream, from the inbox, whether
// there is more, lost so far}, each entry as {id, deliveries, fields}.
var takeScript = goredis.NewScript(prelude + `
if not mine() then return {0} end
local reply, left = {1}, tonumber(ARGV[4])
local more = 0
for i = 2, 3 do
  local p = redis.pcall('XPENDING', KEYS[i], ARGV[1], '-', '+', left + 1, RELEASED)
  if p.err then return {-1, p.err} end
  if #p > left then more = 1 p[#p] = nil end
  local out = {}
  if #p > 0 then
    local cmd, count = {'XCLAIM', KEYS[i], ARGV[1], ARGV[2], 0}, {}
    for j = 1, #p do cmd[#cmd + 1] = p[j][1] count[p[j][1]] = p[j][4] + 1 end
    local got = redis.call(unpack(cmd))
    for j = 1, #got do
      if got[j] then out[#out + 1] = {got[j][1], count[got[j][1]], got[j][2]} end
    end
    if #out < #p then missing(KEYS[i], #p - #out) end
    left = left - #out
  end
  reply[i] = out
end
reply[4] = more
reply[5] = tonumber(redis.call('HGET', KEYS[1], 'lost') or '0')
return reply
`)

// ackScript finishes entries. KEYS: members, the stream or the inbox. ARGV: group, member, fence, whether to delete them, ids. It returns 0
// for an old fence.
var ackScript = goredis.NewScript(own + `
if not mine() then return 0 end
local left = redis.call('XACK', KEYS[2], ARGV[1], unpack(ARGV, 5))
if ARGV[4] == '0' then redis.call('HINCRBY', KEYS[1], 'left', left) end
if ARGV[4] == '1' then redis.call('XDEL', KEYS[2], unpack(ARGV, 5)) end
return 1
`)

// releaseScript gives entries back. ARGV: group, member, fence, how many ids are the stream's, those ids, then the inbox's.
var releaseScript = goredis.NewScript(prelude + `
if not mine() then return 0 end
local n = tonumber(ARGV[4])
local sets = {{}, {}}
for i = 5, #ARGV do
  local set = sets[1]
  if i - 4 > n then set = sets[2] end
  set[#set + 1] = ARGV[i]
end
for k = 1, 2 do
  if #sets[k] > 0 then
    local cmd = {'XCLAIM', KEYS[k + 1], ARGV[1], RELEASED, 0}
    for i = 1, #sets[k] do cmd[#cmd + 1] = sets[k][i] end
    cmd[#cmd + 1] = 'IDLE' cmd[#cmd + 1] = LONG cmd[#cmd + 1] = 'JUSTID'
    local got = redis.call(unpack(cmd))
    if #got < #sets[k] then missing(KEYS[k + 1], #sets[k] - #got) end
  end
end
wake(others(ARGV[1], ARGV[2], now()))
return 1
`)

// leaveScript ends a session of one's own accord. ARGV: group, member, fence, and as in beatScript what it has told, the same of losses of unknown
// number, and the last entry that it has given to a handler.
var leaveScript = goredis.NewScript(prelude + `
if not mine() then return 0 end
if KEYS[2] then
  told(ARGV[4], ARGV[5])
  informs(ARGV[2], ARGV[6])
end
local live = others(ARGV[1], ARGV[2], now())
if bury(ARGV[1], ARGV[2]) > 0 then wake(live) end
return 1
`)
