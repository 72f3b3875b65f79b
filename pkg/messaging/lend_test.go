package messaging_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// lending is a driver that hands out bodies which nobody else has.
type lending struct{ driver.Driver }

func (l lending) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	sub, err := l.Driver.Subscribe(ctx, spec)
	return lendingSubscription{sub}, err
}

type lendingSubscription struct{ driver.Subscription }

func (s lendingSubscription) Receive(ctx context.Context, most, mostBytes int) ([]*driver.Message, error) {
	msgs, err := s.Subscription.Receive(ctx, most, mostBytes)
	for _, m := range msgs {
		m.Body, m.Exclusive = bytes.Clone(m.Body), true
	}
	return msgs, err
}

// lendingShop is newShop over a lending driver.
func lendingShop(t *testing.T) *shop {
	t.Helper()
	return shopOver(t, memory.Config{}, func(d driver.Driver) driver.Driver { return lending{d} })
}

// body is one of n bytes that differs from others everywhere.
func body(i, n int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8), 'x', 'y'}, n/4) }

// deadBodies returns the bodies of the dead letters.
func (s *shop) deadBodies() [][]byte {
	s.t.Helper()
	b, err := messaging.New(s.t.Context(), s.server.Connect())
	if err != nil {
		s.t.Fatal(err)
	}
	defer b.Close(s.t.Context())
	var bodies [][]byte
	for l, err := range b.DeadLetters(s.t.Context(), "orders", "billing") {
		if err != nil {
			s.t.Fatal(err)
		}
		bodies = append(bodies, l.Event.Data)
	}
	return bodies
}

// A handler may do with its event what it likes: the next attempt, and the dead letter, have the event as it was published. Events that succeed
// in between use the memory of copies again.
func TestEachAttemptHasTheEventAsItWasPublished(t *testing.T) {
	for _, size := range []int{400, 40_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := lendingShop(t)
				var mu sync.Mutex
				attempts := map[byte]int{}
				s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
					i := int(d.Data[0])
					if !bytes.Equal(d.Data, body(i, size)) {
						t.Errorf("event %d is not as it was published at attempt %d", i, d.Attempt)
					}
					clear(d.Data)
					mu.Lock()
					defer mu.Unlock()
					attempts[byte(i)]++
					switch {
					case i%3 == 0:
						return errHandler
					case i%3 == 1 && attempts[byte(i)] < 3:
						return errHandler
					}
					return nil
				}, messaging.Concurrency(4), messaging.Retry(messaging.RetryPolicy{
					Quick: []time.Duration{time.Millisecond, time.Second}, Later: []time.Duration{time.Second},
				}))
				for i := range 60 {
					if err := s.Publish(t.Context(), "orders", envelope.New("a", body(i, size), envelope.Key(fmt.Sprint(i)))); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				dead := s.deadBodies()
				for _, b := range dead {
					if len(b) != size || !bytes.Equal(b, body(int(b[0]), size)) || b[0]%3 != 0 {
						t.Errorf("a dead letter of %d bytes, of event %d, is not as it was published", len(b), b[0])
					}
				}
				if st := s.Stats(); len(dead) != 20 || st.Handled != 40 {
					t.Errorf("%d dead letters, %d handled, want 20 and 40", len(dead), st.Handled)
				}
			})
		})
	}
}

// What a handler keeps is its own for ever.
func TestWhatAHandlerKeepsIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lendingShop(t)
		var mu sync.Mutex
		kept := map[int][]byte{}
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			kept[int(d.Data[0])] = d.Data
			return nil
		}, messaging.Concurrency(2))
		for i := range 200 {
			if err := s.Publish(t.Context(), "orders", envelope.New("a", body(i, 8000))); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for i := range 200 {
			if !bytes.Equal(kept[i], body(i, 8000)) {
				t.Errorf("event %d was overwritten after its handler", i)
			}
		}
	})
}

// A batch that fails is divided and tried again with the events as they were.
func TestDividedBatchesHaveTheEventsAsTheyWerePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lendingShop(t)
		s.batches(func(_ context.Context, batch []*messaging.Delivery) error {
			bad := false
			for _, d := range batch {
				i := int(d.Data[0])
				bad = bad || i == 7
				if !bytes.Equal(d.Data, body(i, 8000)) {
					t.Errorf("event %d is not as it was published", i)
				}
				clear(d.Data)
			}
			if bad {
				return errHandler
			}
			return nil
		}, messaging.BatchOptions{Size: 10, Wait: time.Second}, once)
		for i := range 40 {
			if err := s.Publish(t.Context(), "orders", envelope.New("a", body(i, 8000))); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if dead := s.deadBodies(); len(dead) != 1 || !bytes.Equal(dead[0], body(7, 8000)) {
			t.Errorf("%d dead letters, want event 7 as it was published", len(dead))
		}
	})
}
