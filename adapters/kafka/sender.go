package kafka

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	// requestBytes is how much makes a request full; the batch that fills it is still in it.
	requestBytes = 512 << 10
	// sendLanes is how many requests may be on their way to one broker, which works on one at a time of each connection.
	sendLanes = 4
)

// sender sends to one broker, over a few lanes. The first always works, so that small batches gather while a request is under way; each
// other one helps when there is more than fits in a request of the one before.
type sender struct {
	p      *publisher
	broker int32
	lanes  [sendLanes]*lane

	mu    sync.Mutex
	ready []*part
}

// lane has a connection of its own, with one request at a time.
type lane struct {
	*sender
	next *lane // nil for the last
	enc  encoder
	conn atomic.Pointer[conn]
	wake chan struct{} // of capacity 1, a flag: ready may hold something

	// Memory of the last request, for the next.
	shipment *shipment
	spare    []*part
	batches  []*batch
}

func newSender(p *publisher, broker int32) *sender {
	s := &sender{p: p, broker: broker}
	var next *lane
	for i := sendLanes - 1; i >= 0; i-- {
		next = &lane{sender: s, next: next, wake: make(chan struct{}, 1), enc: encoder{codec: compressionOf(p.cfg.Compression)}}
		s.lanes[i] = next
	}
	return s
}

// push takes over parts that have something to send.
func (s *sender) push(parts ...*part) {
	s.mu.Lock()
	s.ready = append(s.ready, parts...)
	s.mu.Unlock()
	signal(s.lanes[0].wake)
}

// take takes what is ready. The lane gives the slice back with free.
func (l *lane) take() []*part {
	l.mu.Lock()
	defer l.mu.Unlock()
	parts := l.ready
	l.ready, l.spare = l.spare, nil
	return parts
}

func (l *lane) free(parts []*part) {
	clear(parts)
	l.spare = parts[:0]
}

// cut ends what a lane may hang in.
func (s *sender) cut() {
	for _, l := range s.lanes {
		if c := l.conn.Load(); c != nil {
			c.fail(errStale)
		}
	}
}

func (l *lane) run(ctx context.Context) {
	defer func() { l.p.cluster.hangUp(l.conn.Load()) }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		yield()
		for parts := l.take(); len(parts) > 0 && ctx.Err() == nil; parts = l.take() {
			full := l.round(ctx, parts)
			l.free(parts)
			if full {
				continue
			}
			if l != l.lanes[0] {
				break // the first lane was told of what is left
			}
			yield()
		}
	}
}

// yield lets those run whom an answer has just woken, and then the routes that they publish by, so that all of them are in the next request
// and not every other one. It costs nothing where nobody is ready to run.
func yield() {
	runtime.Gosched()
	runtime.Gosched()
}

// line returns a connection that is not known to be dead, so that nothing is claimed for a broker that is away.
func (l *lane) line(ctx context.Context) (*conn, error) {
	c := l.conn.Load()
	if c != nil && !c.dead() {
		return c, nil
	}
	l.p.cluster.hangUp(c)
	l.conn.Store(nil)
	c, err := l.p.cluster.dial(ctx, l.broker)
	if err != nil {
		return nil, err
	}
	l.conn.Store(c)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // whoever ended it may have looked before the connection was there
	}
	return c, nil
}

// round sends what the parts have in one request, leaves to the next lane what does not fit, and deals with the answer. It reports whether
// the request was full.
func (l *lane) round(ctx context.Context, parts []*part) (full bool) {
	c, err := l.line(ctx)
	var self producer
	if err == nil {
		self, err = l.p.self.get(ctx, l.p.cluster)
	}
	if err != nil {
		l.excuse(parts, err)
		return false
	}
	batches := l.collect(l.share(parts), self)
	full = size(batches) >= requestBytes
	if len(batches) > 0 {
		l.exchange(ctx, c, group(batches))
	}
	clear(l.batches)
	return full
}

// share returns the parts that fill a request, and leaves the others to the next lane, which needs not wait until this request is made.
func (l *lane) share(parts []*part) []*part {
	full := 0
	for i, x := range parts {
		if full < requestBytes {
			full += x.weight()
			continue
		}
		l.push(parts[i:]...)
		if l.next != nil {
			signal(l.next.wake)
		}
		return parts[:i]
	}
	return parts
}

// collect makes the batches of a request.
func (l *lane) collect(parts []*part, self producer) []*batch {
	batches := l.batches[:0]
	for _, x := range parts {
		b, err := x.next(&l.enc, self)
		if b == nil {
			l.again(x, err)
			continue
		}
		batches = append(batches, b)
	}
	l.batches = batches
	return batches
}

func size(batches []*batch) (n int) {
	for _, b := range batches {
		n += len(b.bytes)
	}
	return n
}

// group puts batches of one topic side by side, as a request has them.
func group(batches []*batch) []*batch {
	if one := batches[0].part.topic; !slices.ContainsFunc(batches, func(b *batch) bool { return b.part.topic != one }) {
		return batches
	}
	byTopic := make(map[string][]*batch, 1)
	var order []string
	for _, b := range batches {
		if byTopic[b.part.topic] == nil {
			order = append(order, b.part.topic)
		}
		byTopic[b.part.topic] = append(byTopic[b.part.topic], b)
	}
	sorted := batches[:0:0]
	for _, topic := range order {
		sorted = append(sorted, byTopic[topic]...)
	}
	return sorted
}

// excuse hands parts that could not be sent to the seeker, or ends what the broker will never take.
func (s *sender) excuse(parts []*part, err error) {
	for _, x := range parts {
		if denied(err) {
			x.deny(err)
			s.again(x, nil)
			continue
		}
		s.p.seeker.push(x)
	}
}

// again goes on with a part that has been dealt with.
func (s *sender) again(x *part, err error) {
	switch {
	case !x.rest():
	case err != nil:
		s.p.seeker.push(x)
	default:
		s.p.assign(x)
	}
}

func (l *lane) exchange(ctx context.Context, c *conn, batches []*batch) {
	if l.shipment == nil {
		l.shipment = newShipment()
	}
	answers, err := c.produce(ctx, l.shipment, batches, l.p.cfg.RequestTimeout)
	if err != nil {
		l.shipment = nil
		if c.dead() && !errors.Is(err, errStale) {
			l.p.cluster.trouble(err)
		}
		for _, b := range batches {
			b.unsure, b.err = true, err
			l.p.seeker.push(b.part)
		}
		return
	}
	for i, b := range batches {
		x := b.part
		n, answered := verdictOf(answers, i, x)
		if !answered {
			n = -1
		}
		if x.answered(b, code(n), &l.enc) {
			l.again(x, nil)
			continue
		}
		l.p.seeker.push(x)
	}
}
