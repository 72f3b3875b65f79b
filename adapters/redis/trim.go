package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

// bindScript holds a stream to the bounds of its topic, which go before what groups have not finished: what they lose is found by their
// members' beats. KEYS: the stream. ARGV: age in ms, bytes, count; 0 is unbounded. Bytes are held by the average size of an entry as it lies
// in memory, which is more than its body.
var bindScript = goredis.NewScript(`
local age, bytes, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local gone = 0
if age > 0 then
  gone = gone + redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000) - age))
end
if bytes > 0 then
  local used, n = redis.pcall('MEMORY', 'USAGE', KEYS[1]), redis.call('XLEN', KEYS[1])
  if type(used) == 'number' and n > 1 and used > bytes then
    local keep = math.max(1, math.floor(n * bytes / used))
    if count == 0 or keep < count then count = keep end
  end
end
if count > 0 then gone = gone + redis.call('XTRIM', KEYS[1], 'MAXLEN', count) end
return gone
`)

// bind holds a topic to its own bounds.
func (d *Driver) bind(ctx context.Context, c *client, t topic) error {
	for _, p := range places(t.name, t.partitions) {
		_, err := c.eval(ctx, bindScript, []string{p.stream()}, t.limits.age.Milliseconds(), t.limits.bytes, t.limits.count)
		if err != nil {
			return err
		}
	}
	return nil
}

// trimScript takes away what every group has finished and what is older than the history: up to the lowest id that is pending in any group, or
// that any group has still to read. A topic without groups is left alone, since what is kept is kept for groups to come. KEYS: the stream.
// ARGV: history in ms. It returns {how many were taken, the group that holds the others back, how many it has not finished}.
var trimScript = goredis.NewScript(`
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if groups.err or #groups == 0 then return {0, '', 0} end
local function id(x) local a, b = string.match(x, '^(%d+)-(%d+)$') return tonumber(a), tonumber(b) end
local bm, bs, low, by, open
for i = 1, #groups do
  local g = {}
  for j = 1, #groups[i], 2 do g[groups[i][j]] = groups[i][j + 1] end
  local p = redis.call('XPENDING', KEYS[1], g.name)
  local floor = p[2] or g['last-delivered-id'] -- stays a text: numbers here don't hold every sequence
  local m, s = id(floor)
  if not bm or m < bm or m == bm and s < bs then bm, bs, low, by, open = m, s, floor, g.name, (g.lag or -1) end
end
local t = redis.call('TIME')
local old = t[1] * 1000 + math.floor(t[2] / 1000) - tonumber(ARGV[1])
local gone, held = 0, ''
if bm < old then held = by else bm, low, open = old, string.format('%.0f', old), 0 end
if bm > 0 then gone = redis.call('XTRIM', KEYS[1], 'MINID', '~', low) end
return {gone, held, open}
`)

// trim keeps the streams of the subscription's topic within bounds, and tells of a group that holds back what is older than the history
// while nobody reads for it.
func (s *subscription) trim(ctx context.Context) error {
	t, err := s.d.commands.topic(ctx, s.spec.Topic)
	if err != nil {
		return err
	}
	if !t.limits.none() {
		return s.d.bind(ctx, s.d.commands, t)
	}
	if s.d.cfg.History < 0 {
		return nil
	}
	for _, p := range s.all {
		reply, err := s.d.commands.eval(ctx, trimScript, []string{p.stream()}, s.d.cfg.History.Milliseconds())
		if err != nil {
			return err
		}
		answer, _ := reply.([]any) // the script returns a list
		held := text(answer[1])
		if held == "" || held == s.spec.Group || time.Since(s.alarmed[held]) < alarmEvery {
			continue
		}
		members, err := s.d.members(ctx, s.spec.Topic, held)
		if err != nil {
			return err
		}
		if members > 0 {
			continue
		}
		s.alarmed[held] = time.Now()
		s.tell(driver.Notice{Kind: driver.Mismatch, Detail: fmt.Sprintf(
			"group %s of topic %s has no members and keeps %s from being trimmed beyond the history of %v: delete the group if nobody needs it",
			held, s.spec.Topic, p.tag, s.d.cfg.History)})
	}
	return nil
}

// alarmEvery is how often one member tells of an abandoned group.
const alarmEvery = time.Hour
