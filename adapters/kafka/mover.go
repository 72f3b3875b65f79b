package kafka

import (
	"context"
	"sync"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// mover copies messages that are not due into the tiers of the group's inbox: from the topic, and from a tier that was too short. The
// original is finished once the copy is stored; a crash in between is one more copy.
type mover struct {
	s *subscription

	mu     sync.Mutex
	queue  []*moving
	count  int           // in the queue and under way
	failed bool          // one was not stored since that was asked last
	wake   chan struct{} // of capacity 1, a flag
}

// moving is one message under way.
type moving struct {
	mover *mover
	feed  *feed
	msg   *driver.Message
}

// movingMost bounds what is under way.
const movingMost = 1024

func newMover(s *subscription) *mover { return &mover{s: s, wake: make(chan struct{}, 1)} }

func (v *mover) full() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count >= movingMost
}

// add takes a message that is held of a feed.
func (v *mover) add(f *feed, m *driver.Message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count++
	v.queue = append(v.queue, &moving{v, f, m})
	signal(v.wake)
}

func (v *mover) take() []*moving {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.queue
	v.queue = nil
	return all
}

// failing reports whether one was not stored since it was asked last.
func (v *mover) failing() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	failed := v.failed
	v.failed = false
	return failed
}

// forget counts one less that is under way.
func (v *mover) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count--
}

func (v *mover) run(ctx context.Context) {
	pause := backoff.New(retryFirst, retryMost)
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.wake:
		}
		if !v.failing() {
			pause.Reset()
		} else if pause.Wait(ctx) != nil {
			return
		}
		for _, x := range v.take() {
			if x.lost() {
				v.forget()
				continue
			}
			v.s.d.pub.put(ctx, x.key(), []*driver.Message{x.msg.Copy()}, x)
		}
	}
}

// lost reports whether the original's partition is another member's by now, who moves it too.
func (x *moving) lost() bool {
	s := x.mover.s
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.feed.unit.gone
}

// key is the inbox. What comes from the topic is marked, so that nobody trusts it more than before.
func (x *moving) key() routeKey {
	spec := x.mover.s.spec
	key := routeKey{to: driver.Address{Topic: spec.Topic, Group: spec.Group}}
	if !x.msg.Inbox {
		key.mark = markDelayed
	}
	return key
}

// Done implements driver.Result. It finishes the original, or keeps it for another try.
func (x *moving) Done(_ int, fate driver.Fate, _ error) {
	v := x.mover
	if fate != driver.Stored {
		v.mu.Lock()
		v.queue, v.failed = append(v.queue, x), true
		v.mu.Unlock()
		signal(v.wake)
		return
	}
	v.forget()
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.feed.unit.gone || s.closed || !x.feed.ledger.settle(int64(x.msg.Seq), finished) { //nolint:gosec // an offset
		return
	}
	x.feed.ledger.acks-- // no reader's ack
	x.feed.settled(finished)
	s.rouse()
}
