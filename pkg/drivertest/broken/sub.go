package broken

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

// sub is a subscription with faults. It hands out copies, so that a fault may settle the original while the caller still has its copy.
type sub struct {
	next driver.Subscription
	conn *conn
	spec driver.Spec

	mu     sync.Mutex
	held   []*driver.Message // copies in hand, in the order of their delivery
	buffer []*driver.Message // for faults that keep something back
	seen   int
	dead   bool
	gone   bool

	call      chan received // room for one: the answer of a Receive that may have been left behind
	abandoned bool

	once   sync.Once
	closed chan struct{}
}

// received is what one Receive returned.
type received struct {
	got []*driver.Message
	err error
}

// Receive implements driver.Subscription.
func (s *sub) Receive(ctx context.Context, most, maxBytes int) ([]*driver.Message, error) {
	if s.conn.receive != nil {
		return s.conn.receive(ctx, s, most, maxBytes)
	}
	return s.take(ctx, most, maxBytes)
}

// take receives honestly.
func (s *sub) take(ctx context.Context, most, maxBytes int) ([]*driver.Message, error) {
	got, err := s.next.Receive(ctx, most, maxBytes)
	if err != nil {
		return nil, err
	}
	copies := make([]*driver.Message, len(got))
	for i, m := range got {
		copies[i] = clone(m)
		copies[i].Ref = m
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, copies...)
	return copies, nil
}

// clone copies a message that shares nothing with the original.
func clone(m *driver.Message) *driver.Message {
	return &driver.Message{
		ID: m.ID, Type: m.Type, Key: m.Key, ContentType: m.ContentType, Time: m.Time, Slot: m.Slot, NotBefore: m.NotBefore,
		Headers: slices.Clone(m.Headers), Body: bytes.Clone(m.Body), FailFast: m.FailFast,
		Source: m.Source, Position: m.Position, Deliveries: m.Deliveries, Inbox: m.Inbox, Seq: m.Seq,
	}
}

// Settle implements driver.Subscription.
func (s *sub) Settle(outcomes []driver.Outcome) {
	if s.conn.settle != nil {
		s.conn.settle(s, outcomes)
		return
	}
	s.give(outcomes)
}

// give settles honestly. What is not in hand any more, because a fault has settled it, is left out.
func (s *sub) give(outcomes []driver.Outcome) {
	s.mu.Lock()
	var pass []driver.Outcome
	for _, o := range outcomes {
		i := slices.Index(s.held, o.Message)
		if i < 0 {
			continue
		}
		s.held = slices.Delete(s.held, i, i+1)
		if original, ok := o.Message.Ref.(*driver.Message); ok {
			pass = append(pass, driver.Outcome{Message: original, Verdict: o.Verdict})
		}
	}
	s.mu.Unlock()
	s.next.Settle(pass)
}

// verdict gives all of these the same verdict.
func verdict(msgs []*driver.Message, v driver.Verdict) []driver.Outcome {
	outcomes := make([]driver.Outcome, len(msgs))
	for i, m := range msgs {
		outcomes[i] = driver.Outcome{Message: m, Verdict: v}
	}
	return outcomes
}

// hand returns what is in hand.
func (s *sub) hand() []*driver.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.held)
}

// Stop implements driver.Subscription.
func (s *sub) Stop() {
	if s.conn.stop != nil {
		s.conn.stop(s)
		return
	}
	s.next.Stop()
}

// Close implements driver.Subscription.
func (s *sub) Close(ctx context.Context) error {
	s.once.Do(func() { close(s.closed) })
	if s.conn.closeSub != nil {
		return s.conn.closeSub(ctx, s)
	}
	return s.next.Close(ctx)
}
