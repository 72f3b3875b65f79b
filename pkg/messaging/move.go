package messaging

import (
	"context"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// move is the copy of a held item into the group's inbox or into the dead letters. The original is acked when the copy is confirmed and
// stays held until then: a crash in between is one more delivery, never a loss.
type move struct {
	s       *Subscription
	it      *item
	to      driver.Address
	msg     *driver.Message
	letter  *DeadLetter // for dead letters
	backoff time.Duration
	at      time.Time // when it is tried again; zero while it is under way
	fate    driver.Fate
	err     error
}

// shift copies the item into the group's inbox, to come back after d.
func (s *Subscription) shift(ctx context.Context, it *item, d time.Duration) {
	s.begin(ctx, s.copyOf(it, d))
}

// copyOf makes the move of an item into the group's inbox.
func (s *Subscription) copyOf(it *item, d time.Duration) *move {
	m := it.msg.Copy()
	m.Headers = it.record(withoutBookkeeping(it.msg.Headers))
	m.PutOff(s.broker.clock(), d)
	return &move{s: s, it: it, to: driver.Address{Topic: s.topic, Group: s.options.group}, msg: m}
}

func (s *Subscription) begin(ctx context.Context, m *move) {
	s.mu.Lock()
	s.moving[m] = struct{}{}
	s.mu.Unlock()
	m.send(ctx)
}

// send hands the copy to the driver. It blocks for room, which is the back-pressure that a failing handler should feel.
func (m *move) send(ctx context.Context) {
	m.s.broker.driverPublisher.Send(ctx, m.to, []*driver.Message{m.msg}, m)
}

// Done implements driver.Result.
func (m *move) Done(_ int, fate driver.Fate, err error) {
	s := m.s
	s.mu.Lock()
	m.fate, m.err = fate, err
	s.moved = append(s.moved, m)
	s.mu.Unlock()
	s.wakeClerk()
}

// arrived settles the original of a confirmed copy, or plans the next try, and returns when that is.
func (s *Subscription) arrived(m *move) int64 {
	s.mu.Lock()
	_, mine := s.moving[m]
	s.mu.Unlock()
	if !mine {
		return never // given up by Close, which has released the original
	}
	if m.fate == driver.Stored {
		if m.letter != nil {
			s.buried(m.letter)
		}
		s.settle([]driver.Outcome{{Message: m.it.msg, Verdict: driver.Ack}}, m.it.size)
		s.leave(m)
		return never
	}
	if s.halted.Load() {
		s.leave(m)
		s.release([]*item{m.it})
		return never
	}
	m.backoff = min(max(2*m.backoff, moveRetryFirst), moveRetryMost)
	s.log.Error("copy of an event not stored, trying again", "event", m.it.msg.ID, "to", m.to.Topic, "dead", m.letter != nil,
		"in", m.backoff, "fate", m.fate.String(), "err", m.err)
	m.msg = m.msg.Copy()
	at := time.Now().Add(lengthened(m.backoff))
	s.mu.Lock()
	m.at = at
	s.mu.Unlock()
	return s.since(at)
}

func (s *Subscription) leave(m *move) {
	s.mu.Lock()
	delete(s.moving, m)
	s.calm()
	s.mu.Unlock()
}
