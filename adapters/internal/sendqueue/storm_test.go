package sendqueue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// writer is the one consumer of a queue under storm: it loses its connection, puts back, and remembers what it claimed of whom.
type writer struct {
	q    *sendqueue.Queue
	rng  *rand.Rand
	seen map[string]int // sender: its last sequence number that was claimed
	bad  []string
}

func (w *writer) run(stop <-chan struct{}) {
	var batch []sendqueue.Entry
	for {
		select {
		case <-w.q.Ready():
		case <-stop:
			return
		}
		batch = w.q.Take(batch[:0], 1+w.rng.IntN(100), 1+w.rng.IntN(2000))
		written := len(batch)
		if w.rng.IntN(8) == 0 {
			written = w.rng.IntN(len(batch) + 1)
		}
		for i := range batch[:written] {
			w.write(&batch[i])
		}
		if written < len(batch) {
			w.q.Offline(errors.New("cut"))
			w.q.Unread(batch[written:])
			time.Sleep(time.Duration(w.rng.IntN(20)) * time.Millisecond)
			w.q.Online()
		}
	}
}

func (w *writer) write(e *sendqueue.Entry) {
	m := e.Msg
	if !m.Claim() {
		e.Done(driver.Unavailable, driver.ErrWithdrawn)
		return
	}
	var seq int
	if _, err := fmt.Sscan(m.Type, &seq); err != nil || seq <= w.seen[m.ID] {
		w.bad = append(w.bad, fmt.Sprintf("%s: %s after %d", m.ID, m.Type, w.seen[m.ID]))
	}
	w.seen[m.ID] = seq
	e.Done(driver.Stored, nil)
}

// sender puts at random, withdraws at random, and checks that each fate fits what it did.
func sender(ctx context.Context, t *testing.T, id string, seed uint64, queues []*sendqueue.Queue) {
	rng := rand.New(rand.NewPCG(seed, 7))
	seq := 0
	q := queues[rng.IntN(len(queues))]
	for range 40 {
		n := 1 + rng.IntN(3)
		if rng.IntN(20) == 0 {
			n = 300
		}
		msgs, r := make([]*driver.Message, n), newFates(t, n)
		for i := range msgs {
			seq++
			msgs[i] = &driver.Message{ID: id, Type: fmt.Sprint(seq), Body: make([]byte, rng.IntN(60)), FailFast: rng.IntN(10) == 0}
		}
		limit, cancel := context.WithTimeout(ctx, time.Duration(1+rng.IntN(30))*time.Millisecond)
		q.Put(limit, to, msgs, r)
		cancel()
		took := rng.IntN(n)
		withdrawn := rng.IntN(4) == 0 && msgs[took].Withdraw()
		<-r.all
		for i, fate := range r.got {
			stored := fate == driver.Stored && r.errs[i] == nil && !(withdrawn && i == took) && msgs[i].Claimed()
			refused := fate == driver.Unavailable && r.errs[i] != nil && !msgs[i].Claimed()
			if !stored && !refused {
				t.Errorf("message %d of %s is %v (%v), claimed: %v", i, id, fate, r.errs[i], msgs[i].Claimed())
			}
		}
	}
}

func TestStormOfSendersLosesNothingAndKeepsOrder(t *testing.T) {
	t.Parallel()
	const senders = 200
	synctest.Test(t, func(t *testing.T) {
		room := sendqueue.NewRoom(100, 4000)
		queues := []*sendqueue.Queue{sendqueue.New(room), sendqueue.New(room), sendqueue.New(room)}
		writers := make([]*writer, len(queues))
		stop := make(chan struct{})
		var writing, sending sync.WaitGroup
		for i, q := range queues {
			writers[i] = &writer{q: q, rng: rand.New(rand.NewPCG(uint64(i), 3)), seen: map[string]int{}}
			writing.Go(func() { writers[i].run(stop) })
		}
		for i := range senders {
			sending.Go(func() { sender(t.Context(), t, fmt.Sprint("s", i), uint64(i), queues) })
		}
		sending.Wait()
		close(stop)
		writing.Wait()
		for i, w := range writers {
			for _, bad := range w.bad {
				t.Errorf("writer %d: %s", i, bad)
			}
			if w.q.Len() != 0 || w.q.Idle(t.Context()) != nil {
				t.Errorf("queue %d holds %d", i, w.q.Len())
			}
		}
		// All room is free again: it takes what it is made for at once.
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		r := newFates(t, 101)
		queues[0].Put(ended, to, messages(make([]string, 101)...), r)
		if queues[0].Len() != 100 {
			t.Errorf("the room takes %d, want 100", queues[0].Len())
		}
	})
}
