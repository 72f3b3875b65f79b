package drivertest

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/herald-go/herald/pkg/driver"
)

var deliverSentences = []Sentence{
	{Area: "receive", Text: "what is handed over straight and what Receive returns are one sequence", check: oneSequence},
}

// sequence is what comes on both ways.
type sequence struct {
	f    *fixture
	m    *member
	want int
	all  chan struct{} // closed when as much as is wanted has come

	mu   sync.Mutex
	busy bool // something is being taken in
	left bool // the subscription is closed
	got  []string
}

// take takes messages in, and complains where another goroutine does so, too: neither way may overtake the other.
func (q *sequence) take(way string, msgs []*driver.Message) {
	q.mu.Lock()
	if q.busy || q.left {
		q.f.Errorf("%s brings %v while others are taken in (%v) or after Close (%v)", way, ids(msgs), q.busy, q.left)
	}
	q.busy = true
	q.got = append(q.got, ids(msgs)...)
	q.mu.Unlock()
	q.m.settle(driver.Ack, msgs...)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = false
	if len(q.got) == q.want {
		close(q.all)
	}
}

func (q *sequence) receive(ctx context.Context) {
	for {
		msgs, err := q.m.Receive(ctx, 16, bytesEnough)
		if err != nil {
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				q.f.Errorf("Receive: %v", err)
			}
			return
		}
		q.take("Receive", msgs)
	}
}

func oneSequence(f *fixture) {
	const single, burst = 20, 60
	d, topic := f.open(), f.name("t")
	q := &sequence{f: f, want: single + burst, all: make(chan struct{})}
	spec := f.readerSpec(topic)
	spec.Deliver = func(msgs []*driver.Message) bool {
		q.take("Deliver", msgs)
		return true
	}
	q.m = f.join(d, spec)
	ctx, cancel := f.within()
	defer cancel()
	var receiving sync.WaitGroup
	receiving.Go(func() { q.receive(ctx) })
	msgs := f.events(q.want, "k")
	for _, msg := range msgs[:single] {
		f.publish(d, f.to(topic), msg)
	}
	f.publish(d, f.to(topic), msgs[single:]...)
	select {
	case <-q.all:
	case <-ctx.Done():
	}
	q.m.leave()
	receiving.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.left = true
	f.ordered("what came", ids(msgs), q.got)
}
