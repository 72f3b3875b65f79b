package kafka

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/segmentio/kafka-go/protocol/produce"
)

// requestBytes bounds one request; each partition's batch is bounded beside it.
const requestBytes = 8 << 20

// sender sends to one broker over a connection of its own, one request at a time.
type sender struct {
	p      *publisher
	broker int32
	enc    encoder
	conn   atomic.Pointer[conn]

	mu    sync.Mutex
	ready []*part
	wake  chan struct{} // of capacity 1, a flag: ready may hold something
}

// push takes over a part that has something to send.
func (s *sender) push(x *part) {
	s.mu.Lock()
	s.ready = append(s.ready, x)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sender) take() []*part {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := s.ready
	s.ready = nil
	return parts
}

func (s *sender) run(ctx context.Context) {
	defer func() { s.p.cluster.hangUp(s.conn.Load()) }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for parts := s.take(); len(parts) > 0 && ctx.Err() == nil; parts = s.take() {
			s.round(ctx, parts)
		}
	}
}

// line returns a connection that is not known to be dead, so that nothing is claimed for a broker that is away.
func (s *sender) line(ctx context.Context) (*conn, error) {
	c := s.conn.Load()
	if c != nil && !c.dead() {
		return c, nil
	}
	s.p.cluster.hangUp(c)
	s.conn.Store(nil)
	c, err := s.p.cluster.dial(ctx, s.broker)
	if err != nil {
		return nil, err
	}
	s.conn.Store(c)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // whoever ended it may have looked before the connection was there
	}
	return c, nil
}

// round sends what the parts have, in one request or a few, and deals with the answers.
func (s *sender) round(ctx context.Context, parts []*part) {
	c, err := s.line(ctx)
	var self producer
	if err == nil {
		self, err = s.p.self.get(ctx, s.p.cluster)
	}
	if err != nil {
		s.excuse(parts, err)
		return
	}
	var batches []*batch
	size := 0
	for i, x := range parts {
		if size > requestBytes {
			for _, later := range parts[i:] {
				s.push(later)
			}
			break
		}
		b, err := x.next(&s.enc, self)
		if b == nil {
			s.again(x, err)
			continue
		}
		batches = append(batches, b)
		size += len(b.bytes)
	}
	if len(batches) > 0 {
		s.exchange(ctx, c, group(batches))
	}
}

// group puts batches of one topic side by side, as a request has them.
func group(batches []*batch) []*batch {
	byTopic := make(map[string][]*batch, 1)
	var order []string
	for _, b := range batches {
		if byTopic[b.part.topic] == nil {
			order = append(order, b.part.topic)
		}
		byTopic[b.part.topic] = append(byTopic[b.part.topic], b)
	}
	if len(order) == 1 {
		return batches
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

func (s *sender) exchange(ctx context.Context, c *conn, batches []*batch) {
	answer, err := c.produce(ctx, batches, s.p.cfg.RequestTimeout)
	res, ok := answer.(*produce.Response)
	if err == nil && !ok {
		err = errProtocol
	}
	if err != nil {
		if c.dead() && !errors.Is(err, errStale) {
			s.p.cluster.trouble(err)
		}
		for _, b := range batches {
			b.unsure, b.err = true, err
			s.p.seeker.push(b.part)
		}
		return
	}
	codes := make(map[partKey]int16, len(batches))
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			codes[partKey{t.Topic, int(p.Partition)}] = p.ErrorCode
		}
	}
	for _, b := range batches {
		x := b.part
		n, answered := codes[partKey{x.topic, x.number}]
		if !answered {
			n = -1
		}
		if x.answered(b, code(n), &s.enc) {
			s.again(x, nil)
			continue
		}
		s.p.seeker.push(x)
	}
}
