package messaging_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// greedy is a driver that hands out all that Receive asks for, whatever the Spec's window says.
type greedy struct{ driver.Driver }

func (g greedy) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	spec.Window, spec.WindowBytes = 1<<20, 1<<30
	return g.Driver.Subscribe(ctx, spec)
}

// greedyShop is newShop over a greedy driver.
func greedyShop(t *testing.T) *shop {
	t.Helper()
	return shopOver(t, memory.Config{}, func(d driver.Driver) driver.Driver { return greedy{d} })
}

func TestWindow_BoundsWhatIsAskedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		window        messaging.SubscribeOption
		least, expect int
	}{
		"events": {messaging.Window(5, 0), 5, 5},
		"bytes":  {messaging.Window(0, 10_000), 3, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := greedyShop(t)
				release := make(chan struct{})
				s.subscribe(func(context.Context, *messaging.Delivery) error {
					<-release
					return nil
				}, tc.window, messaging.Concurrency(2), messaging.HandlerTimeout(-1))
				for range 20 {
					if err := s.Publish(t.Context(), "orders", envelope.New("a", make([]byte, 3000))); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				if held := messaging.Held(s.Broker); held < tc.least || held > tc.expect {
					t.Errorf("%d in hand, want %d to %d", held, tc.least, tc.expect)
				}
				close(release)
				synctest.Wait()
				if st := s.Stats(); st.Handled != 20 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// batch publishes events in one call, so that a worker finds them all at once.
func (s *shop) batch(texts ...string) {
	s.t.Helper()
	events := make([]envelope.Event, 0, len(texts))
	for _, text := range texts {
		events = append(events, envelope.New("order.placed", []byte(text)))
	}
	if err := s.Publish(s.t.Context(), "orders", events...); err != nil {
		s.t.Fatal(err)
	}
}

func numbers(n int) []string {
	texts := make([]string, 0, n)
	for i := range n {
		texts = append(texts, fmt.Sprint(i))
	}
	return texts
}

// slowAt handles all but one event at once.
func (s *shop) slowAt(text string) messaging.HandlerFunc {
	return func(_ context.Context, d *messaging.Delivery) error {
		if string(d.Data) == text {
			time.Sleep(10 * time.Second)
		}
		s.saw("%s", d.Data)
		return nil
	}
}

func TestWorkers_ASlowHandlerHoldsUpNoOtherEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(s.slowAt("slow"), messaging.Concurrency(2))
		for range 5 { // the workers learn that the handler is quick, and take many events at once
			s.batch(numbers(10)...)
			synctest.Wait()
		}
		s.batch(append([]string{"slow"}, numbers(40)...)...)
		time.Sleep(time.Second)
		if got := len(s.startingWith("")); got != 90 {
			t.Errorf("%d events handled beside the slow one, want 90", got)
		}
	})
}

func TestWorkers_FinishedEventsAreSettledBehindASlowHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(s.slowAt("slow"), messaging.Concurrency(1))
		s.batch(numbers(50)...)
		synctest.Wait()
		s.batch(append(append(numbers(5), "slow"), numbers(58)...)...)
		time.Sleep(time.Second)
		if got := s.lag(); got != 59 { // the slow one, and those that the only worker has not come to
			t.Errorf("lag %d while the sixth of 64 events is slow, want 59", got)
		}
	})
}

func TestWorkers_AHandlerAfterARestHasItsWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(ctx context.Context, d *messaging.Delivery) error {
			time.Sleep(3 * time.Second)
			deadline, _ := ctx.Deadline()
			s.saw("%s %v %v", d.Data, ctx.Err(), time.Until(deadline))
			return nil
		}, messaging.HandlerTimeout(5*time.Second), messaging.Concurrency(1))
		s.put("a/1", "a/2")
		time.Sleep(time.Hour)
		s.put("b/1")
		time.Sleep(time.Minute)
		s.want("a/1 <nil> 2s", "a/2 <nil> 2s", "b/1 <nil> 2s")
	})
}

func TestWorkers_WhatIsDecodedAheadIsDecodedAgainForARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			time.Sleep(time.Second) // slow: intake decodes ahead
			s.saw("%s#%d", d.Data, d.Attempt)
			copy(d.Data, "XXXXXXXX")
			if d.Attempt == 1 {
				return errHandler
			}
			return nil
		}, messaging.Concurrency(1))
		s.put("first")
		time.Sleep(time.Minute)
		s.put("second")
		time.Sleep(time.Minute)
		s.want("first#1", "first#2", "second#1", "second#2")
	})
}
