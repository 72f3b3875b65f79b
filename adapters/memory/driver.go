package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// conn is one connection to a server: a driver.
type conn struct {
	server *Server
	pub    publisher
	closed bool // guarded by the server's lock
	clock  atomic.Pointer[func() time.Time]

	mu   sync.Mutex // guards what follows; nothing else is taken under it
	subs []*subscription
	gone chan struct{} // closed by Close; made on demand

	telling sync.Mutex // keeps the notices in order; held while notify is called
	notify  func(driver.Notice)
	told    driver.NoticeKind
}

var (
	_ driver.Driver   = (*conn)(nil)
	_ driver.Notifier = (*conn)(nil)
	_ driver.History  = (*conn)(nil)
	_ driver.Lagger   = (*conn)(nil)
	_ driver.Topology = (*conn)(nil)
	_ driver.Groups   = (*conn)(nil)
	_ driver.Clocked  = (*conn)(nil)
)

// Publisher implements driver.Driver.
func (c *conn) Publisher() driver.Publisher { return &c.pub }

// Subscribe implements driver.Driver. While the server is disconnected it waits, until ctx ends.
func (c *conn) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	if err := spec.Check(); err != nil {
		return nil, fail("subscribe", spec.Topic, err)
	}
	spec.Types = slices.Clone(spec.Types)
	s := c.server
	if err := s.await(ctx, c); err != nil {
		return nil, fail("subscribe", spec.Topic, err)
	}
	s.mu.RUnlock()
	sub, err := c.join(spec)
	if err != nil {
		return nil, fail("subscribe", spec.Topic, err)
	}
	return sub, nil
}

// join adds a member to the topic. A topic that is not there yet becomes part of the server only if nothing speaks against the member.
func (c *conn) join(spec driver.Spec) (*subscription, error) {
	s := c.server
	s.mu.Lock()
	t := s.topics[spec.Topic]
	if t == nil {
		t = newTopic(s.cfg, spec.Topic, false)
		t.down = s.down
	}
	t.mu.Lock()
	var sub *subscription
	err := driver.ErrClosed
	if !c.closed {
		sub, err = t.join(c, spec)
	}
	if err == nil {
		s.topics[spec.Topic] = t
		c.mu.Lock()
		c.subs = append(c.subs, sub)
		c.mu.Unlock()
	}
	after := t.takeAfter()
	t.mu.Unlock()
	s.mu.Unlock()
	run(after)
	return sub, err
}

// join makes a member of the group, or a broadcast reader. The topic's lock is held.
func (t *topic) join(c *conn, spec driver.Spec) (*subscription, error) {
	t.tick(now())
	g, err := t.admit(spec)
	if err != nil {
		return nil, err
	}
	sub := &subscription{conn: c, group: g, spec: spec, signal: make(chan struct{}, 1)}
	g.members = append(g.members, sub)
	if g.parts == 0 {
		sub.source = sub.epoch()
	}
	g.missed(0)
	g.rebalance(now())
	return sub, nil
}

// admit returns the group that spec joins, made if need be, or why it can't be joined, having changed nothing.
func (t *topic) admit(spec driver.Spec) (*group, error) {
	if spec.Broadcast {
		g := newGroup(t, "", t.log.next)
		g.broadcast = true
		g.filter = newFilter(spec.Types)
		t.readers = append(t.readers, g)
		return g, nil
	}
	g := t.groups[spec.Group]
	if t.partitions > 0 && spec.Partitions > 0 && t.partitions != spec.Partitions {
		return nil, fmt.Errorf("topic has %d partitions, not %d: %w", t.partitions, spec.Partitions, driver.ErrConflict)
	}
	if g != nil && g.born && g.parts != spec.Partitions {
		return nil, fmt.Errorf("group has %d partitions, not %d: %w", g.parts, spec.Partitions, driver.ErrConflict)
	}
	if g != nil && len(g.members) > 0 && !slices.Equal(g.filter.patterns, spec.Types) {
		return nil, because(driver.ErrConflict, errOtherTypes)
	}
	// A start that the broker refuses is refused even where an existing position would win.
	from, err := t.begin(spec.Start)
	if g == nil && err != nil || g != nil && t.transient && err != nil {
		return nil, err
	}
	if g == nil {
		g = newGroup(t, spec.Group, from)
		t.groups[spec.Group] = g
	}
	if !g.born {
		g.born = true
		g.split(spec.Partitions)
	}
	g.narrow(spec.Types)
	return g, nil
}

// remove takes a member out of the group; a broadcast goes with its member.
func (g *group) remove(s *subscription) {
	g.members = slices.DeleteFunc(g.members, func(m *subscription) bool { return m == s })
	if g.broadcast {
		t := g.topic
		t.readers = slices.DeleteFunc(t.readers, func(r *group) bool { return r == g })
	}
}

// UseClock implements driver.Clocked.
func (c *conn) UseClock(now func() time.Time) { c.clock.Store(&now) }

// ahead is by how many nanoseconds the connection's clock is ahead of the server's, whose time counts.
func (c *conn) ahead() int64 {
	clock := c.clock.Load()
	if clock == nil {
		return 0
	}
	return (*clock)().UnixNano() - now()
}

// Notify implements driver.Notifier.
func (c *conn) Notify(f func(driver.Notice)) {
	c.telling.Lock()
	defer c.telling.Unlock()
	c.notify, c.told = f, 0
	c.state()
}

// tell passes the present state on, if it is news.
func (c *conn) tell() {
	c.telling.Lock()
	defer c.telling.Unlock()
	c.state()
}

// blink tells of a connection that was lost and is back.
func (c *conn) blink() {
	c.telling.Lock()
	defer c.telling.Unlock()
	if c.notify == nil || c.told != driver.Connected {
		return
	}
	c.notify(driver.Notice{Kind: driver.Disconnected, Err: driver.ErrDisconnected})
	c.notify(driver.Notice{Kind: driver.Connected})
}

func (c *conn) state() {
	s := c.server
	s.mu.RLock()
	n := driver.Notice{Kind: driver.Connected}
	if s.down {
		n = driver.Notice{Kind: driver.Disconnected, Err: driver.ErrDisconnected}
	}
	s.mu.RUnlock()
	if c.notify == nil || c.told == n.Kind {
		return
	}
	c.told = n.Kind
	c.notify(n)
}

// goneChan returns what Close closes.
func (c *conn) goneChan() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone == nil {
		c.gone = make(chan struct{})
	}
	return c.gone
}

// forget drops a subscription that closes itself.
func (c *conn) forget(s *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = slices.DeleteFunc(c.subs, func(o *subscription) bool { return o == s })
}

// Close implements driver.Driver. It waits for nothing; the server keeps what it holds.
func (c *conn) Close(ctx context.Context) error {
	s := c.server
	s.mu.Lock()
	if c.closed {
		s.mu.Unlock()
		return nil
	}
	c.closed, c.pub.closed = true, true
	s.conns = slices.DeleteFunc(s.conns, func(o *conn) bool { return o == c })
	s.mu.Unlock()
	c.mu.Lock()
	if c.gone == nil {
		c.gone = make(chan struct{})
	}
	close(c.gone)
	subs := slices.Clone(c.subs)
	c.mu.Unlock()
	c.pub.discard()
	for _, sub := range subs {
		_ = sub.Close(ctx) // never fails
	}
	return nil
}
