package redis

import (
	"context"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/herald-go/herald/pkg/driver"
)

// Lag implements driver.Lagger. The count is the server's own; where it has lost it (after deletions in the middle of the stream), the
// entries are counted one by one.
func (d *Driver) Lag(ctx context.Context, topic, group string) (driver.Lag, error) {
	err := d.ready()
	if err == nil {
		var l driver.Lag
		if l, err = d.lagOf(ctx, topic, group); err == nil {
			return l, nil
		}
	}
	return driver.Lag{}, fail("lag of group "+group+" of", topic, err)
}

func (d *Driver) lagOf(ctx context.Context, name, group string) (driver.Lag, error) {
	t, err := d.commands.topic(ctx, name)
	if err != nil {
		return driver.Lag{}, err
	}
	return d.lag(ctx, places(name, t.partitions), group)
}

// lag adds up all places of a topic.
func (d *Driver) lag(ctx context.Context, all []place, group string) (driver.Lag, error) {
	var sum driver.Lag
	for _, p := range all {
		err := d.commands.do(ctx, p.stream(), func(node *goredis.Client) error {
			l, err := lagAt(ctx, node, p, group)
			if err == nil {
				sum.Count += l.Count
				sum.Later += l.Later
				sum.Age = max(sum.Age, l.Age)
			}
			return err
		})
		if err != nil {
			return driver.Lag{}, err
		}
	}
	return sum, nil
}

func lagAt(ctx context.Context, node *goredis.Client, p place, group string) (driver.Lag, error) {
	pipe := node.Pipeline()
	groups := pipe.XInfoGroups(ctx, p.stream())
	pending := pipe.XPending(ctx, p.stream(), group)
	inbox := pipe.XLen(ctx, p.inbox(group))
	later := pipe.ZCard(ctx, p.inboxLater(group))
	now := pipe.Time(ctx)
	_, err := pipe.Exec(ctx)
	if err != nil && !isReply(err) {
		return driver.Lag{}, err
	}
	at := slices.IndexFunc(groups.Val(), func(g goredis.XInfoGroup) bool { return g.Name == group })
	if at < 0 {
		if err := groups.Err(); err != nil && !says(err, "ERR no such key") {
			return driver.Lag{}, err
		}
		return driver.Lag{}, driver.ErrUnknownTopic
	}
	if err != nil {
		return driver.Lag{}, err
	}
	g := groups.Val()[at]
	lag := driver.Lag{Later: inbox.Val() + later.Val()}
	unread, err := unread(ctx, node, p, g)
	if err != nil {
		return driver.Lag{}, err
	}
	lag.Count = unread + pending.Val().Count
	if lag.Count == 0 {
		return lag, nil
	}
	oldest := pending.Val().Lower
	if pending.Val().Count == 0 {
		first, err := node.XRangeN(ctx, p.stream(), "("+g.LastDeliveredID, "+", 1).Result()
		if err != nil || len(first) == 0 {
			return lag, err
		}
		oldest = first[0].ID
	}
	if at, ok := parseID(oldest); ok {
		lag.Age = max(time.Millisecond, now.Val().Sub(time.UnixMilli(int64(at.ms)))) //nolint:gosec // the server's clock
	}
	return lag, nil
}

// countPage is how many entries are counted at once.
const countPage = 1000

// unread returns how many entries a group has not read yet.
func unread(ctx context.Context, node *goredis.Client, p place, g goredis.XInfoGroup) (int64, error) {
	if g.Lag >= 0 && g.EntriesRead > 0 || g.Lag > 0 {
		return g.Lag, nil
	}
	var n int64
	from := "(" + g.LastDeliveredID
	for {
		page, err := node.XRangeN(ctx, p.stream(), from, "+", countPage).Result()
		if err != nil {
			return 0, err
		}
		n += int64(len(page))
		if len(page) < countPage {
			return n, nil
		}
		from = "(" + page[len(page)-1].ID
	}
}
