package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/pkg/driver"
)

// mover copies messages that are not due into the tiers of the group's inbox: from the topic, and from a tier that was too short. The
// original is finished once the copy is stored; a crash in between is one more copy.
type mover struct {
	s *subscription

	mu    sync.Mutex
	queue []*moving
	count int           // in the queue and under way
	wake  chan struct{} // of capacity 1, a flag
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

func (v *mover) run(ctx context.Context) {
	pause := backoff.New(retryFirst, retryMost)
	failing := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.wake:
		}
		if time.Since(failing) < retryMost && pause.Wait(ctx) != nil {
			return
		}
		failing = time.Now()
		for _, x := range v.take() {
			v.s.d.pub.put(ctx, x.key(), []*driver.Message{x.msg.Copy()}, x)
		}
	}
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
		v.queue = append(v.queue, x)
		v.mu.Unlock()
		signal(v.wake)
		return
	}
	v.mu.Lock()
	v.count--
	v.mu.Unlock()
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
