package memory

import (
	"context"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Lag implements driver.Lagger.
func (c *conn) Lag(ctx context.Context, topic, group string) (driver.Lag, error) {
	t, g, err := c.group(ctx, topic, group)
	if err != nil {
		return driver.Lag{}, fail("lag", topic, err)
	}
	defer t.unlock()
	return g.lag(now()), nil
}

// lag counts what is unfinished: in hand, given back and not delivered. The inbox counts what is in hand, too.
func (g *group) lag(now int64) driver.Lag {
	g.scan()
	var (
		lag    driver.Lag
		oldest int64
	)
	count := func(p parcel) {
		if p.inbox {
			lag.Later++
			return
		}
		lag.Count++
		oldest = sooner(oldest, p.e.stored)
	}
	for _, l := range g.lanes {
		for h := l.head; h != nil; h = h.next {
			count(h.parcel)
		}
		for _, p := range l.again {
			count(p)
		}
		for _, s := range l.spans {
			lag.Count += int64(s.to - s.from) //nolint:gosec // entries in memory
		}
		if len(l.spans) > 0 {
			oldest = sooner(oldest, g.topic.log.at(l.spans[0].from).stored)
		}
		lag.Later += int64(len(l.inbox))
	}
	if lag.Count > 0 {
		lag.Age = max(0, time.Duration(now-oldest))
	}
	return lag
}

// ListGroups implements driver.Groups.
func (c *conn) ListGroups(ctx context.Context, topic string) ([]driver.GroupInfo, error) {
	t, err := c.topic(ctx, topic)
	if err != nil {
		return nil, fail("list groups", topic, err)
	}
	t.lock()
	defer t.unlock()
	now := now()
	t.tick(now)
	infos := make([]driver.GroupInfo, 0, len(t.groups))
	for _, name := range t.names() {
		g := t.groups[name]
		infos = append(infos, driver.GroupInfo{Topic: topic, Name: name, Members: len(g.members), Lag: g.lag(now)})
	}
	return infos, nil
}

// DeleteGroup implements driver.Groups.
func (c *conn) DeleteGroup(ctx context.Context, topic, group string) error {
	t, g, err := c.group(ctx, topic, group)
	if err != nil {
		return fail("delete group", topic, err)
	}
	defer t.unlock()
	if len(g.members) > 0 {
		return fail("delete group", topic, driver.ErrInUse)
	}
	delete(t.groups, group)
	t.free()
	return nil
}

// ResetGroup implements driver.Groups. The inbox stays: what waits there is not part of the topic.
func (c *conn) ResetGroup(ctx context.Context, topic, group string, to driver.Start) error {
	t, g, err := c.group(ctx, topic, group)
	if err != nil {
		return fail("reset group", topic, err)
	}
	defer t.unlock()
	if t.transient {
		return fail("reset group", topic, driver.ErrUnsupported)
	}
	if len(g.members) > 0 {
		return fail("reset group", topic, driver.ErrInUse)
	}
	from, err := t.place(to)
	if err != nil {
		return fail("reset group", topic, err)
	}
	lanes := g.lanes
	g.from, g.gap = from, 0
	g.split(g.parts)
	for i, l := range lanes {
		g.lanes[i].inbox = l.inbox
	}
	return nil
}

// group returns a group that exists, with its topic locked.
func (c *conn) group(ctx context.Context, in, name string) (*topic, *group, error) {
	t, err := c.topic(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	t.lock()
	t.tick(now())
	g := t.groups[name]
	if g == nil {
		t.unlock()
		return nil, nil, driver.ErrUnknownTopic
	}
	return t, g, nil
}
