package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol/initproducerid"

	"github.com/herald-go/herald/adapters/internal/backoff"
)

// seeker finds the leaders of parts that could not be sent: it asks the cluster anew, with growing pauses, and hands them back.
type seeker struct {
	p *publisher

	mu    sync.Mutex
	parts []*part
	wake  chan struct{} // of capacity 1, a flag: parts may hold something
}

func (s *seeker) push(x *part) {
	s.mu.Lock()
	s.parts = append(s.parts, x)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *seeker) take() []*part {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := s.parts
	s.parts = nil
	return parts
}

func (s *seeker) run(ctx context.Context) {
	const calm = 2 * time.Second // without trouble the pauses begin anew
	pause := backoff.New(retryFirst, retryMost)
	latest := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		if time.Since(latest) > calm {
			pause.Reset()
		}
		if pause.Wait(ctx) != nil {
			return
		}
		s.seek(ctx, s.take())
		latest = time.Now()
	}
}

func (s *seeker) seek(ctx context.Context, parts []*part) {
	topics := map[string]struct{}{}
	for _, x := range parts {
		x.sweep()
		topics[x.topic] = struct{}{}
	}
	err := s.p.cluster.refresh(ctx, sortedKeys(topics)...)
	for _, x := range parts {
		switch {
		case !x.rest():
		case err != nil:
			s.push(x)
		case s.p.cluster.known(x.topic) != nil:
			x.missed = time.Time{}
			s.p.assign(x)
		default:
			x.misses()
			if x.rest() {
				s.push(x)
			}
		}
	}
}

// misses ends what waits for a topic that is missing at two looks: a broker that has just begun, or is behind, may not know it for a moment.
func (x *part) misses() {
	switch {
	case x.missed.IsZero():
		x.missed = time.Now()
	case time.Since(x.missed) >= startPause:
		x.vanished()
		x.missed = time.Time{}
	}
}

// identity is the producer's number, given by the cluster once and used for all partitions.
type identity struct {
	turn  chan struct{} // of capacity 1: held while the cluster is asked
	self  producer
	known bool
}

func (i *identity) get(ctx context.Context, c *cluster) (producer, error) {
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
		return producer{}, context.Cause(ctx)
	}
	if i.known {
		return i.self, nil
	}
	const unused = 1 // transactions are not used; the broker wants a positive time
	answer, err := c.ask(ctx, bootstrap, &initproducerid.Request{TransactionTimeoutMs: unused})
	if err != nil {
		return producer{}, err
	}
	res, ok := answer.(*initproducerid.Response)
	if !ok {
		return producer{}, errProtocol
	}
	if err := code(res.ErrorCode); err != nil {
		return producer{}, fmt.Errorf("producer id, which takes Write on some topic, and IdempotentWrite on the cluster before 3.0: %w", err)
	}
	i.self, i.known = producer{res.ProducerID, res.ProducerEpoch}, true
	return i.self, nil
}

// forget asks for another number next time; its epochs are used up.
func (i *identity) forget(id int64) {
	i.turn <- struct{}{}
	defer func() { <-i.turn }()
	if i.self.id == id {
		i.known = false
	}
}
