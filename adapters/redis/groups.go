package redis

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

// members returns how many members of a group are alive.
func (d *Driver) members(ctx context.Context, topic, group string) (int, error) {
	p := placeOf(topic, -1)
	var fields map[string]string
	var now time.Time
	err := d.commands.do(ctx, p.members(group), func(node *goredis.Client) (err error) {
		if fields, err = node.HGetAll(ctx, p.members(group)).Result(); err == nil {
			now, err = node.Time(ctx).Result()
		}
		return err
	})
	n := 0
	for name, value := range fields {
		_, until, _ := strings.Cut(value, "|")
		ms, _ := strconv.ParseInt(until, 10, 64) // 0 is long ago
		if strings.HasPrefix(name, "m:") && ms >= now.UnixMilli() {
			n++
		}
	}
	return n, err
}

// ready returns why a side interface can't be used.
func (d *Driver) ready() error {
	switch {
	case d.isClosed():
		return driver.ErrClosed
	case d.cfg.PubSub:
		return because(driver.ErrUnsupported, errKeepChannel)
	default:
		return nil
	}
}

// ListGroups implements driver.Groups. Groups that strangers created are listed too.
func (d *Driver) ListGroups(ctx context.Context, name string) ([]driver.GroupInfo, error) {
	infos, err := d.listGroups(ctx, name)
	if err != nil {
		return nil, fail("list groups", name, err)
	}
	return infos, nil
}

func (d *Driver) listGroups(ctx context.Context, name string) ([]driver.GroupInfo, error) {
	if err := d.ready(); err != nil {
		return nil, err
	}
	t, err := d.commands.topic(ctx, name)
	if err != nil {
		return nil, err
	}
	groups, err := d.commands.groups(ctx, places(name, t.partitions)[0].stream())
	if err != nil {
		return nil, err
	}
	infos := make([]driver.GroupInfo, 0, len(groups))
	for _, g := range groups {
		info := driver.GroupInfo{Topic: name, Name: g.Name}
		if info.Members, err = d.members(ctx, name, g.Name); err != nil {
			return nil, err
		}
		if info.Lag, err = d.lag(ctx, places(name, t.partitions), g.Name); err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b driver.GroupInfo) int { return cmp.Compare(a.Name, b.Name) })
	return infos, nil
}

// moveScript deletes a group in one place, with all it owns there, or sets it to another id. KEYS: members, stream, inbox, what waits for the
// inbox. ARGV: group, the id or nothing to delete. It returns -1 when the group has members, 0 when there is none.
var moveScript = goredis.NewScript(prelude + `
if #others(ARGV[1], '', now()) > 0 then return -1 end
local there = false
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[2])
if not groups.err then
  for i = 1, #groups do if attributes(groups[i]).name == ARGV[1] then there = true end end
end
if not there then return 0 end
redis.call('XGROUP', 'DESTROY', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[1], 'mark', 'stand', 'cloud')
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1], KEYS[3], KEYS[4])
  return 1
end
local s = attributes(redis.call('XINFO', 'STREAM', KEYS[2]))
local cmd = {'XGROUP', 'CREATE', KEYS[2], ARGV[1], ARGV[2]}
if ARGV[2] == '0' then cmd[6] = 'ENTRIESREAD' cmd[7] = s['entries-added'] - s.length end
if ARGV[2] == '$' then cmd[6] = 'ENTRIESREAD' cmd[7] = s['entries-added'] end
redis.call(unpack(cmd))
return 1
`)

// DeleteGroup implements driver.Groups. The topic's stream stays, as history.
func (d *Driver) DeleteGroup(ctx context.Context, topic, group string) error {
	if err := d.move(ctx, topic, group, ""); err != nil {
		return fail("delete group "+group+" of", topic, err)
	}
	d.pub.forget(topic)
	return nil
}

// ResetGroup implements driver.Groups. What the group had in hand is forgotten; its inbox stays.
func (d *Driver) ResetGroup(ctx context.Context, topic, group string, to driver.Start) error {
	err := d.ready()
	if err == nil {
		var t topicAndID
		if t, err = d.resolve(ctx, topic, to); err == nil {
			err = d.move(ctx, topic, group, t.id)
		}
	}
	if err != nil {
		return fail("reset group "+group+" of", topic, err)
	}
	return nil
}

type topicAndID struct {
	topic
	id string
}

// resolve finds the id that a start means.
func (d *Driver) resolve(ctx context.Context, name string, to driver.Start) (topicAndID, error) {
	t, err := d.commands.topic(ctx, name)
	if err != nil {
		return topicAndID{}, err
	}
	begin, err := d.begin(ctx, places(name, t.partitions), to)
	return topicAndID{t, begin}, err
}

func (d *Driver) move(ctx context.Context, name, group, to string) error {
	if err := d.ready(); err != nil {
		return err
	}
	t, err := d.commands.topic(ctx, name)
	if err != nil {
		return err
	}
	n, err := d.members(ctx, name, group)
	if err != nil {
		return err
	}
	if n > 0 {
		return driver.ErrInUse
	}
	found := false
	for _, p := range places(name, t.partitions) {
		reply, err := d.commands.eval(ctx, moveScript, []string{p.members(group), p.stream(), p.inbox(group), p.inboxLater(group)}, group, to)
		if err != nil {
			return err
		}
		if reply == int64(-1) {
			return driver.ErrInUse
		}
		found = found || reply == int64(1)
		if err := d.unlease(ctx, p, group, to); err != nil {
			return err
		}
	}
	if !found {
		return driver.ErrUnknownTopic
	}
	return nil
}

// unlease forgets who owned a partition, or, where the group goes on at another id, what was noted of where it stood.
func (d *Driver) unlease(ctx context.Context, p place, group, to string) error {
	if p.part < 0 {
		return nil
	}
	return d.commands.do(ctx, p.lease(group), func(node *goredis.Client) error {
		if to == "" {
			return node.Del(ctx, p.lease(group)).Err()
		}
		return node.HDel(ctx, p.lease(group), "mark", "stand", "cloud").Err()
	})
}
