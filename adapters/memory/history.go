package memory

import (
	"context"
	"io"

	"github.com/herald-go/herald/pkg/driver"
)

// readBatch is how many messages Next returns at most.
const readBatch = 128

// Read implements driver.History. A queue broker's topics have none, its plain logs do.
func (c *conn) Read(ctx context.Context, name string, from driver.Start, to string) (driver.Reader, error) {
	t, err := c.topic(ctx, name)
	if err != nil {
		return nil, fail("read", name, err)
	}
	if t.transient {
		return nil, fail("read", name, driver.ErrUnsupported)
	}
	t.lock()
	defer t.unlock()
	t.tick(now())
	next, err := t.place(from)
	if err != nil {
		return nil, fail("read", name, err)
	}
	end := t.log.next
	if to != "" {
		last, err := parsePosition(to)
		if err != nil || last >= t.log.next {
			return nil, fail("read", name, driver.ErrPosition)
		}
		end = last + 1
	}
	return &reader{conn: c, topic: t, next: next, end: end, source: driver.NewSource(name + " history")}, nil
}

// reader reads the entries next ≤ seq < end.
type reader struct {
	conn      *conn
	topic     *topic
	next, end uint64
	source    *driver.Source
	closed    bool
	msgs      [readBatch]driver.Message
	out       []*driver.Message
	places    places
}

// Next implements driver.Reader. What retention has taken away meanwhile is driver.ErrPosition, not a silent gap.
func (r *reader) Next(ctx context.Context) ([]*driver.Message, error) {
	t := r.topic
	if r.closed {
		return nil, fail("read", t.name, driver.ErrClosed)
	}
	if err := r.conn.server.await(ctx, r.conn); err != nil {
		return nil, fail("read", t.name, err)
	}
	r.conn.server.mu.RUnlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	t.lock()
	defer t.unlock()
	t.tick(now())
	if r.next >= r.end {
		return nil, io.EOF
	}
	if r.next < t.log.first {
		return nil, fail("read", t.name, because(driver.ErrPosition, errTrimmedAhead))
	}
	r.out = r.out[:0]
	for ; r.next < r.end && len(r.out) < readBatch; r.next++ {
		m := &r.msgs[len(r.out)]
		*m = driver.Message{Source: r.source}
		t.log.at(r.next).write(m)
		r.out = append(r.out, m)
	}
	r.places.write(r.out)
	return r.out, nil
}

// Close implements driver.Reader.
func (r *reader) Close(context.Context) error {
	r.closed = true
	r.source.Lose()
	return nil
}

// topic returns a topic that exists, once the server is connected.
func (c *conn) topic(ctx context.Context, name string) (*topic, error) {
	s := c.server
	if err := s.await(ctx, c); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	t := s.topics[name]
	if t == nil {
		return nil, driver.ErrUnknownTopic
	}
	return t, nil
}
