package messaging_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// skewed returns a clock that is ahead by what ahead holds.
func skewed(ahead *atomic.Int64) func() time.Time {
	return func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
}

func TestWithClock_EventsCarryItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		ahead.Store(int64(time.Hour))
		s := newShop(t, memory.Config{}, messaging.WithClock(skewed(&ahead)))
		times := make(chan time.Time, 1)
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error { times <- d.Time; return nil })
		if err := s.Publish(t.Context(), "orders", envelope.Event{Type: "a", Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		if got, want := <-times, time.Now().Add(time.Hour); !got.Equal(want) {
			t.Errorf("the event is of %v, want %v", got, want)
		}
	})
}

func TestWithClock_DelaysLastAsLongWhateverItShows(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var ahead atomic.Int64
				ahead.Store(int64(skew))
				s := newShop(t, memory.Config{}, messaging.WithClock(skewed(&ahead)))
				at := make(chan time.Time, 3)
				errOnce := errors.New("not yet")
				policy := messaging.RetryPolicy{Quick: []time.Duration{time.Second}, Later: []time.Duration{time.Minute}}
				s.subscribe(func(context.Context, *messaging.Delivery) error {
					at <- time.Now()
					ahead.Store(-ahead.Load()) // the clock jumps while the event waits
					return errOnce
				}, messaging.Retry(policy))
				began := time.Now()
				s.put("k/1")
				for i, want := range []struct{ least, most time.Duration }{{0, 0}, {time.Second, 2 * time.Second}, {time.Minute, 2 * time.Minute}} {
					if waited := (<-at).Sub(began); waited < want.least || waited > want.most {
						t.Errorf("attempt %d came after %v, want %v to %v", i+1, waited, want.least, want.most)
					}
				}
			})
		})
	}
}

func TestWithClock_DecidesWhatHasExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		ahead.Store(int64(time.Hour))
		letters := make(chan messaging.Reason, 1)
		hooks := messaging.Hooks{DeadLetter: func(l *messaging.DeadLetter) { letters <- l.Reason }}
		s := newShop(t, memory.Config{}, messaging.WithClock(skewed(&ahead)), messaging.WithHooks(hooks))
		s.subscribe(func(context.Context, *messaging.Delivery) error { t.Error("an expired event was handled"); return nil })
		if err := s.Publish(t.Context(), "orders", envelope.Event{Type: "a", ExpiresAt: time.Now().Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if got := <-letters; got != messaging.ReasonExpired {
			t.Errorf("the dead letter's reason is %v", got)
		}
	})
}
