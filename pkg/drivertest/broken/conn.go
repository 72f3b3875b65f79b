package broken

import (
	"context"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

// faults are the places where a driver can be broken. A nil one is honest.
type faults struct {
	send      func(ctx context.Context, c *conn, to driver.Address, msgs []*driver.Message, r driver.Result)
	subscribe func(c *conn, spec *driver.Spec)
	receive   func(ctx context.Context, s *sub, most, maxBytes int) ([]*driver.Message, error)
	settle    func(s *sub, outcomes []driver.Outcome)
	closeSub  func(ctx context.Context, s *sub) error
	close     func(ctx context.Context, c *conn) error
	caps      func(c *conn, caps driver.Capabilities) driver.Capabilities
	lag       func(l driver.Lag, err error) (driver.Lag, error)
	read      func(err error) error
	declare   func(topics []driver.TopicSpec) []driver.TopicSpec
	notice    func(c *conn, n driver.Notice)
	mute      bool                     // tells no notices
	stop      func(s *sub)             // in the place of Stop
	publisher func(c *conn) *publisher // in the place of the one publisher
}

// conn is a driver with faults. It has every side interface and passes on what the good driver has.
type conn struct {
	driver.Driver
	faults
	pub *publisher

	mu     sync.Mutex
	notify func(driver.Notice)
	down   bool
	up     chan struct{} // closed when the broker is back
	subs   []*sub
	sends  int
	closes int
}

func wrap(good driver.Driver, f faults) driver.Driver {
	c := &conn{Driver: good, faults: f, up: make(chan struct{})}
	c.pub = &publisher{Publisher: good.Publisher(), conn: c}
	if n, ok := good.(driver.Notifier); ok {
		n.Notify(c.noticed)
	}
	return c
}

func (c *conn) noticed(n driver.Notice) {
	c.mu.Lock()
	switch {
	case n.Kind == driver.Disconnected && !c.down:
		c.down, c.up = true, make(chan struct{})
	case n.Kind == driver.Connected && c.down:
		c.down = false
		close(c.up)
	}
	f := c.notify
	c.mu.Unlock()
	if c.notice != nil {
		c.notice(c, n)
	}
	if f != nil && !c.mute {
		f(n)
	}
}

// Publisher implements driver.Driver.
func (c *conn) Publisher() driver.Publisher {
	if c.publisher != nil {
		return c.publisher(c)
	}
	return c.pub
}

// Capabilities implements driver.Driver.
func (c *conn) Capabilities() driver.Capabilities {
	caps := c.Driver.Capabilities()
	if c.caps != nil {
		return c.caps(c, caps)
	}
	return caps
}

// Subscribe implements driver.Driver.
func (c *conn) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	if c.subscribe != nil {
		c.subscribe(c, &spec)
	}
	inner := spec
	inner.Deliver = nil // it would hand out originals
	next, err := c.Driver.Subscribe(ctx, inner)
	if err != nil {
		return nil, err
	}
	s := &sub{next: next, conn: c, spec: spec, closed: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = append(c.subs, s)
	return s, nil
}

// Close implements driver.Driver.
func (c *conn) Close(ctx context.Context) error {
	c.mu.Lock()
	subs := c.subs
	c.subs = nil
	c.mu.Unlock()
	for _, s := range subs { // a driver's Close closes its subscriptions, with their faults
		_ = s.Close(ctx)
	}
	if c.close != nil {
		return c.close(ctx, c)
	}
	return c.Driver.Close(ctx)
}

// Notify implements driver.Notifier.
func (c *conn) Notify(f func(driver.Notice)) {
	c.mu.Lock()
	c.notify = f
	now := driver.Notice{Kind: driver.Connected}
	if c.down {
		now.Kind = driver.Disconnected
	}
	c.mu.Unlock()
	if !c.mute {
		f(now)
	}
}

// Read implements driver.History.
func (c *conn) Read(ctx context.Context, topic string, from driver.Start, to string) (driver.Reader, error) {
	h, ok := c.Driver.(driver.History)
	if !ok {
		return nil, driver.ErrUnsupported
	}
	r, err := h.Read(ctx, topic, from, to)
	if err != nil && c.read != nil {
		err = c.read(err)
	}
	return r, err
}

// Lag implements driver.Lagger.
func (c *conn) Lag(ctx context.Context, topic, group string) (driver.Lag, error) {
	l, ok := c.Driver.(driver.Lagger)
	if !ok {
		return driver.Lag{}, driver.ErrUnsupported
	}
	if c.lag != nil {
		return c.lag(l.Lag(ctx, topic, group))
	}
	return l.Lag(ctx, topic, group)
}

// Declare implements driver.Topology.
func (c *conn) Declare(ctx context.Context, topics []driver.TopicSpec) error {
	if t, ok := c.Driver.(driver.Topology); ok {
		if c.declare != nil {
			topics = c.declare(topics)
		}
		return t.Declare(ctx, topics)
	}
	return driver.ErrUnsupported
}

// ListGroups implements driver.Groups.
func (c *conn) ListGroups(ctx context.Context, topic string) ([]driver.GroupInfo, error) {
	if g, ok := c.Driver.(driver.Groups); ok {
		return g.ListGroups(ctx, topic)
	}
	return nil, driver.ErrUnsupported
}

// DeleteGroup implements driver.Groups.
func (c *conn) DeleteGroup(ctx context.Context, topic, group string) error {
	if g, ok := c.Driver.(driver.Groups); ok {
		return g.DeleteGroup(ctx, topic, group)
	}
	return driver.ErrUnsupported
}

// ResetGroup implements driver.Groups.
func (c *conn) ResetGroup(ctx context.Context, topic, group string, to driver.Start) error {
	if g, ok := c.Driver.(driver.Groups); ok {
		return g.ResetGroup(ctx, topic, group, to)
	}
	return driver.ErrUnsupported
}

// publisher is a publisher with faults.
type publisher struct {
	driver.Publisher
	conn *conn
}

// Send implements driver.Publisher.
func (p *publisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	if p.conn.send != nil {
		p.conn.send(ctx, p.conn, to, msgs, r)
		return
	}
	p.Publisher.Send(ctx, to, msgs, r)
}

// done is a driver.Result as a function.
type done func(i int, fate driver.Fate, err error)

// Done implements driver.Result.
func (d done) Done(i int, fate driver.Fate, err error) { d(i, fate, err) }
