package chaos

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/history"
)

var (
	errOnce  = errors.New("fails the first time")
	errTwice = errors.New("fails until it comes by the inbox")
	errEver  = errors.New("fails always")
)

// Retries of the members: two tries, and two more times two later, a second or two.
func retries() messaging.RetryPolicy {
	return messaging.RetryPolicy{Quick: []time.Duration{0, 20 * time.Millisecond}, Later: []time.Duration{time.Second, 2 * time.Second}}
}

// subscription are the options of a member.
func (w *worker) subscription() []messaging.SubscribeOption {
	options := []messaging.SubscribeOption{
		messaging.Group(w.role.Group), messaging.Member(w.role.Name), messaging.Window(w.role.Window, 16<<20), messaging.Concurrency(8),
		messaging.Retry(retries()), messaging.HandlerTimeout(time.Minute),
	}
	if w.role.Partitions > 0 {
		options = append(options, messaging.OrderAcrossReplicas(w.role.Partitions))
	}
	return options
}

// subscribe makes the process a member of the group.
func (w *worker) subscribe(ctx context.Context) (wait func(), err error) {
	opening, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return w.client.subscribe(opening)
}

// effort is how long a handler takes this time.
func (w *worker) effort() time.Duration { return rand.N(w.role.Work) }

// handle is one attempt.
func (w *worker) handle(ctx context.Context, d *messaging.Delivery) error {
	if !w.gate.enter(ctx) {
		return context.Cause(ctx)
	}
	defer w.gate.leave()
	w.note(w.op(history.Start, d.ID, d.Key))
	err := outcome(d)
	if err == nil && w.role.Work > 0 {
		err = work(ctx, w.effort())
	}
	if err != nil {
		o := w.op(history.Freed, d.ID, d.Key)
		if ctx.Err() != nil {
			o.Note = history.Interrupted
		}
		w.note(o)
		return err
	}
	w.note(w.op(history.Done, d.ID, d.Key))
	return nil
}

// outcome is what an event's id decides: one in 50 fails once, one in 200 until it comes by the inbox, one in 500 until its dead letter is
// sent back.
func outcome(d *messaging.Delivery) error {
	h := fnv.New32a()
	_, _ = h.Write([]byte(d.ID)) // it never fails
	n := h.Sum32() >> 3
	switch {
	case n%500 == 7 && d.Redrive == "":
		return errEver
	case n%200 == 3 && d.FirstFailed.IsZero() && d.Redrive == "":
		return errTwice
	case n%50 == 1 && d.Attempt == 1 && d.Redrive == "":
		return errOnce
	}
	return nil
}

func work(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
