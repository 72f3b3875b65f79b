package redis

import (
	"context"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

// ensureScript makes a group and its inbox exist in one place. KEYS: members, stream, inbox, and where a partition may be owned what says by whom.
// ARGV: group, where it begins, 1 when the caller has seen it there before, member, the last entry that it has given to a handler, where the group
// stood when the member last beat. It returns {how, where it begins}, with how 0: it was there, 1: it is new, 2: it was there once and begins where
// it had finished everything, 3: the same, before its first beat, 4: its stream was gone, too.
//
// A group that was there once begins where it stood at the last beat of any member. What has been taken from the stream since is lost; how many are
// is known as long as no handler may have finished any of them: else a group that was made again tells that it doesn't know, until it has finished
// all that may have been finished before (cloud). Members that have yet to say what they had in hand are awaited for that.
//
// How much the group has read is told to the server, so that the server can count its lag, and a beat what is gone.
var ensureScript = goredis.NewScript(prelude + `
if KEYS[4] and redis.call('EXISTS', KEYS[4]) == 1 then KEYS[1] = KEYS[4] end
local how, at, read = 1, ARGV[2], nil
local info = redis.pcall('XINFO', 'STREAM', KEYS[2])
if info.err and not string.find(info.err, 'no such key') then return redis.error_reply(info.err) end
local there = not info.err
local s = {['entries-added'] = 0, length = 0, ['last-generated-id'] = '0-0'}
if there then
  s = attributes(info)
  local groups = redis.call('XINFO', 'GROUPS', KEYS[2])
  for i = 1, #groups do
    if attributes(groups[i]).name == ARGV[1] then how = 0 end
  end
end
local gone, first = s['entries-added'] - s.length, s['first-entry']
-- between counts the entries from an id to another, if twenty thousand tell.
local function between(from, to)
  local n = 0
  for _ = 1, 20 do
    local page = redis.call('XRANGE', KEYS[2], from, to, 'COUNT', 1000)
    n = n + #page
    if #page < 1000 then return n end
    from = '(' .. page[#page][1]
  end
end
local function previous(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  ms, seq = tonumber(ms), tonumber(seq)
  if seq > 0 and seq < 2 ^ 53 then return string.format('%.0f-%.0f', ms, seq - 1) end
  if ms > 0 then return string.format('%.0f-18446744073709551615', ms - 1) end
  return '0-0'
end
-- recall finds where a group that was there once begins again, and counts what it has lost.
local function recall(live)
  local stand = redis.call('HGET', KEYS[1], 'stand') or ARGV[6]
  local floor, open, last, added, rank = string.match(stand, '^(%S+) (%d) (%S+) (%d+) (%S+)$')
  local mark = string.match(redis.call('HGET', KEYS[1], 'mark') or '', '^%d+|(-?%d+)$')
  local finished = mark and mark + redis.call('HINCRBY', KEYS[1], 'left', 0)
  rank = tonumber(rank)
  redis.call('HDEL', KEYS[1], 'mark', 'stand')
  clear()
  at, read = '0', gone
  if not there or floor and s['entries-added'] < tonumber(added) then
    redis.call('HINCRBY', KEYS[1], 'vague', 1) -- whoever beats next tells it, if this answer should not reach the caller
    return 4
  end
  if not floor then return 3 end
  at = floor
  if open == '1' then at = previous(floor) end
  raise(ARGV[5])
  local top = redis.call('HGET', KEYS[1], 'top') or '0-0'
  for i = 1, #live do redis.call('HSET', KEYS[1], 'await:' .. live[i], '1') end
  if #live > 0 then top = s['last-generated-id'] end
  local handled = after(top, at)
  if handled then redis.call('HSET', KEYS[1], 'cloud', top) end
  if first and not after(first[1], floor) or open == '0' and rank and gone <= rank then
    local n = between('(' .. at, last)
    read = rank and n and rank - n
  elseif handled or not finished then
    if not finished or s['entries-added'] > finished then redis.call('HINCRBY', KEYS[1], 'vague', 1) end
  elseif gone > finished then
    redis.call('HINCRBY', KEYS[1], 'lost', gone - finished)
  end
  return 2
end
if how ~= 0 then
  local live = others(ARGV[1], ARGV[4], now())
  if ARGV[3] == '1' or #live > 0 and redis.call('HGET', KEYS[1], 'stand') then how = recall(live)
  elseif at == '0' then read = gone
  elseif at == '$' then read = s['entries-added']
  end
  if not read then
    local rest = between('(' .. at, '+')
    local given = not rest and between('-', at)
    read = rest and s['entries-added'] - rest or given and gone + given
  end
  local cmd = {'XGROUP', 'CREATE', KEYS[2], ARGV[1], at, 'MKSTREAM'}
  if read then cmd[#cmd + 1] = 'ENTRIESREAD' cmd[#cmd + 1] = string.format('%.0f', read) end
  redis.call(unpack(cmd))
  if read then
    redis.call('HSET', KEYS[1], 'mark', string.format('%.0f|%.0f', read, read - redis.call('HINCRBY', KEYS[1], 'left', 0)))
  else redis.call('HDEL', KEYS[1], 'mark') end
end
local r = redis.pcall('XGROUP', 'CREATE', KEYS[3], ARGV[1], '0', 'MKSTREAM')
if r.err and not string.find(r.err, 'BUSYGROUP') then return redis.error_reply(r.err) end
return {how, at}
`)

// The ways in which ensureScript makes a group.
const (
	groupRecalled  = 2
	groupFromStart = 3
	groupNoStream  = 4
)

// ensure makes a group exist in all places of a topic, and tells of those where it was there once.
func (d *Driver) ensure(ctx context.Context, all []place, spec driver.Spec, tell func(at int, how int64, begin string)) error {
	begin, err := d.begin(ctx, all, spec.Start)
	if err != nil {
		exists, known := d.hasGroup(ctx, all[0], spec.Group)
		if known != nil || !exists {
			return err
		}
		begin = "0" // an existing position wins, whatever was asked for
	}
	for i, p := range all {
		keys := []string{p.members(spec.Group), p.stream(), p.inbox(spec.Group)}
		if p.part >= 0 {
			keys = append(keys, p.lease(spec.Group))
		}
		reply, err := d.commands.eval(ctx, ensureScript, keys, spec.Group, begin, 0, spec.Member, "", "")
		if err != nil {
			return err
		}
		answer, _ := reply.([]any) // the script returns a list
		tell(i, number(answer[0]), text(answer[1]))
	}
	return nil
}

// declare makes the group exist, and repairs what others deleted: it begins where the group had finished everything, so that what was in
// hand comes again; of what went with the stream, the size is told as far as it is known.
func (s *subscription) declare(ctx context.Context, first bool) error {
	if first {
		return s.d.ensure(ctx, s.all, s.spec, func(at int, how int64, begin string) { s.repaired(s.lanes[at], how, begin) })
	}
	if _, err := s.d.commands.bear(ctx, s.spec.Topic, s.partitions()); err != nil {
		return err
	}
	for _, l := range s.lanes {
		s.mu.Lock()
		top, stand := l.top, l.stand
		s.mu.Unlock()
		reply, err := s.d.commands.eval(ctx, ensureScript, l.keys(), s.spec.Group, "0", 1, s.spec.Member, top, stand)
		if err != nil {
			return err
		}
		answer, _ := reply.([]any) // the script returns a list
		s.repaired(l, number(answer[0]), text(answer[1]))
	}
	return nil
}

func (s *subscription) partitions() int {
	if s.all[0].part < 0 {
		return 0
	}
	return len(s.all)
}

// repaired tells of a group that this member has made again. What it has lost the next beat tells, but where nobody knows.
func (s *subscription) repaired(l *lane, how int64, at string) {
	n := driver.Notice{Kind: driver.Gap}
	switch how {
	case groupRecalled:
		n.Detail = "the group was deleted and begins again at " + at + " of " + l.tag
	case groupFromStart:
		n.Detail = "the group was deleted before its first beat and begins again with all there is of " + l.tag
	case groupNoStream:
		n.Count = -1 // what came since the last beat is not known
		n.Detail = "the stream " + l.tag + " was deleted with what the group had not finished"
		if l.open > 0 {
			n.Detail += ", " + strconv.FormatInt(l.open, 10) + " at the last beat"
		}
	default:
		return
	}
	s.tell(n)
}
