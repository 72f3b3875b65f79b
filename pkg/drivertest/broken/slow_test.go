package broken_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/drivertest"
)

// latency is how long each way to the broker takes.
const latency = 25 * time.Millisecond

// A real broker is not in the same process: the suite must not take an answer that comes later for one that does not come.
func TestSlowDriverPasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := over(t, func(good driver.Driver) driver.Driver { return newSlow(good) })
		h.Quiet = 300 * time.Millisecond
		h.Room, h.RoomBytes = 10_000, 128<<20
		h.Cut = nil // of the drivers under this one
		for _, v := range drivertest.Check(t.Context(), h) {
			if v.Status == drivertest.Broken {
				t.Errorf("%s: %s", v.Sentence, strings.Join(v.Messages, "; "))
			}
		}
	})
}

// slow is a good driver at the end of a long line: Send queues and a goroutine writes, Settle queues and a goroutine tells.
type slow struct {
	driver.Driver
	driver.Notifier
	driver.History
	driver.Lagger
	driver.Topology
	driver.Groups
	pub *slowPublisher

	mu   sync.Mutex
	subs []*slowSub
}

func newSlow(good driver.Driver) *slow {
	s := &slow{
		Driver: good, Notifier: good.(driver.Notifier), History: good.(driver.History), Lagger: good.(driver.Lagger),
		Topology: good.(driver.Topology), Groups: good.(driver.Groups),
	}
	s.pub = &slowPublisher{next: good.Publisher(), places: make(chan struct{}, 64)}
	return s
}

func (s *slow) Publisher() driver.Publisher { return s.pub }

func (s *slow) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	time.Sleep(latency)
	next, err := s.Driver.Subscribe(ctx, spec)
	if err != nil {
		return nil, err
	}
	sub := &slowSub{Subscription: next}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = append(s.subs, sub)
	return sub, nil
}

func (s *slow) Close(ctx context.Context) error {
	s.mu.Lock()
	subs := s.subs
	s.mu.Unlock()
	for _, sub := range subs {
		_ = sub.Close(ctx)
	}
	s.pub.finish()
	return s.Driver.Close(ctx)
}

// slowPublisher writes each Send after a while, in order.
type slowPublisher struct {
	next   driver.Publisher
	places chan struct{} // one for each Send that is under way

	mu     sync.Mutex
	line   []func()
	busy   bool
	closed bool
	writes sync.WaitGroup
}

func (p *slowPublisher) Send(ctx context.Context, to driver.Address, msgs []*driver.Message, r driver.Result) {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		for i := range msgs {
			r.Done(i, driver.Unavailable, context.Cause(ctx))
		}
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		<-p.places
		p.next.Send(ctx, to, msgs, r)
		return
	}
	p.line = append(p.line, func() {
		p.next.Send(context.WithoutCancel(ctx), to, msgs, r)
		<-p.places
	})
	if !p.busy {
		p.busy = true
		p.writes.Go(p.write)
	}
}

func (p *slowPublisher) write() {
	for {
		time.Sleep(latency)
		p.mu.Lock()
		line := p.line
		p.line = nil
		p.busy = len(line) > 0
		p.mu.Unlock()
		if len(line) == 0 {
			return
		}
		for _, send := range line {
			send()
		}
	}
}

func (p *slowPublisher) finish() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.writes.Wait()
}

func (p *slowPublisher) Close(ctx context.Context) error {
	p.finish()
	return p.next.Close(ctx)
}

// slowSub hands out and settles after a while.
type slowSub struct {
	driver.Subscription
	settles sync.WaitGroup
}

func (s *slowSub) Receive(ctx context.Context, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.Subscription.Receive(ctx, most, maxBytes)
	if err == nil {
		time.Sleep(latency)
	}
	return got, err
}

func (s *slowSub) Settle(outcomes []driver.Outcome) {
	own := append([]driver.Outcome(nil), outcomes...)
	s.settles.Go(func() {
		time.Sleep(latency)
		s.Subscription.Settle(own)
	})
}

func (s *slowSub) Close(ctx context.Context) error {
	s.settles.Wait()
	return s.Subscription.Close(ctx)
}
