package redis

import (
	"context"
	"fmt"
	"math"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

// begin returns the id after which a start lies.
func (d *Driver) begin(ctx context.Context, all []place, start driver.Start) (string, error) {
	switch start.Kind {
	case driver.StartNewest:
		return "$", nil
	case driver.StartTime:
		return before(start.Time).String(), nil
	case driver.StartAfter:
		at, err := d.stored(ctx, all, start.Position)
		return at.String(), err
	default:
		return "0", nil
	}
}

// before returns the last id before a time.
func before(t time.Time) id {
	ms := t.UnixMilli() // ids are whole milliseconds: what was stored within this one may have been at or after the time
	if ms <= 0 {
		return id{}
	}
	return id{uint64(ms) - 1, math.MaxUint64} //nolint:gosec // positive
}

// stored reads a position and demands that its entry is there.
func (d *Driver) stored(ctx context.Context, all []place, pos string) (id, error) {
	partitions := len(all)
	if all[0].part < 0 {
		partitions = 0
	}
	part, at, err := parsePosition(pos, partitions)
	if err != nil {
		return id{}, err
	}
	p := placeOf(all[0].topic, part)
	err = d.commands.do(ctx, p.stream(), func(node *goredis.Client) error {
		found, err := node.XRange(ctx, p.stream(), at.String(), at.String()).Result()
		if err == nil && len(found) == 0 {
			return fmt.Errorf("%w: nothing is stored at %s", driver.ErrPosition, pos)
		}
		return err
	})
	return at, err
}

func (d *Driver) hasGroup(ctx context.Context, p place, group string) (bool, error) {
	groups, err := d.commands.groups(ctx, p.stream())
	for _, g := range groups {
		if g.Name == group {
			return true, nil
		}
	}
	return false, err
}

// Declare implements driver.Topology. MaxBytes is held by the average size of what is stored, as MEMORY USAGE tells it.
func (d *Driver) Declare(ctx context.Context, topics []driver.TopicSpec) error {
	for _, spec := range topics {
		if err := d.declare(ctx, spec); err != nil {
			return fail("declare", spec.Name, err)
		}
	}
	return nil
}

func (d *Driver) declare(ctx context.Context, spec driver.TopicSpec) error {
	switch {
	case d.isClosed():
		return driver.ErrClosed
	case d.cfg.PubSub:
		return because(driver.ErrUnsupported, errKeepChannel)
	}
	if err := spec.Check(); err != nil {
		return err
	}
	if spec.Verify {
		return d.verify(ctx, spec)
	}
	if err := d.bound(ctx, spec); err != nil {
		return err
	}
	if spec.Partitions == 0 && len(spec.Groups) == 0 {
		return nil // what the first group asks for decides
	}
	n, err := d.commands.bear(ctx, spec.Name, spec.Partitions)
	if err != nil {
		return err
	}
	if err := samePartitions(n, spec.Partitions); err != nil {
		return err
	}
	for _, g := range spec.Groups {
		if err := d.ensure(ctx, places(spec.Name, n), driver.Spec{Group: g}, func(int, int64, string) {}); err != nil {
			return err
		}
	}
	return nil
}

// samePartitions compares what is there with what is asked for; 0 asks for nothing.
func samePartitions(have, want int) error {
	if want == 0 || have == want {
		return nil
	}
	return fmt.Errorf("topic has %d partitions, not %d: %w", have, want, driver.ErrConflict)
}

// boundScript sets the bounds of a topic. ARGV: partitions or 0, then field and value of each bound. It returns 0, having changed nothing,
// when something else is set.
var boundScript = goredis.NewScript(`
local n = redis.call('HGET', KEYS[1], 'partitions')
if n and ARGV[1] ~= '0' and n ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do
  local v = redis.call('HGET', KEYS[1], ARGV[i])
  if v and v ~= ARGV[i + 1] then return 0 end
end
redis.call('HSET', KEYS[1], 'declared', '1')
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
`)

// bound sets the bounds that a spec names.
func (d *Driver) bound(ctx context.Context, spec driver.TopicSpec) error {
	args := []any{spec.Partitions}
	for _, b := range bounds(spec) {
		if b.value > 0 {
			args = append(args, b.field, b.value)
		}
	}
	reply, err := d.commands.eval(ctx, boundScript, []string{topicKey(spec.Name)}, args...)
	if err != nil {
		return err
	}
	if reply == int64(0) {
		return fmt.Errorf("topic has other partitions or bounds: %w", driver.ErrConflict)
	}
	return nil
}

type fieldBound struct {
	field string
	value int64
}

func bounds(spec driver.TopicSpec) []fieldBound {
	return []fieldBound{
		{fieldMaxAge, spec.MaxAge.Milliseconds()}, {fieldMaxBytes, spec.MaxBytes}, {fieldMaxCount, spec.MaxCount},
	}
}

// verify compares a topic with its spec and creates nothing.
func (d *Driver) verify(ctx context.Context, spec driver.TopicSpec) error {
	var fields map[string]string
	err := d.commands.do(ctx, topicKey(spec.Name), func(node *goredis.Client) (err error) {
		fields, err = node.HGetAll(ctx, topicKey(spec.Name)).Result()
		return err
	})
	if err != nil {
		return err
	}
	n := int(number(fields[fieldPartitions]))
	groups, err := d.commands.groups(ctx, places(spec.Name, n)[0].stream())
	if err != nil {
		return err
	}
	if len(fields) == 0 && groups == nil {
		return driver.ErrUnknownTopic
	}
	if err := samePartitions(n, spec.Partitions); err != nil {
		return err
	}
	for _, b := range bounds(spec) {
		if b.value > 0 && number(fields[b.field]) != b.value {
			return fmt.Errorf("topic has %s %d, not %d: %w", b.field, number(fields[b.field]), b.value, driver.ErrConflict)
		}
	}
	known := make(map[string]bool, len(groups))
	for _, g := range groups {
		known[g.Name] = true
	}
	for _, g := range spec.Groups {
		if !known[g] {
			return fmt.Errorf("group %s: %w", g, driver.ErrUnknownTopic)
		}
	}
	return nil
}
