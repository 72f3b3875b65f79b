package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// texts joins what a batch holds.
func texts(batch []*messaging.Delivery) string {
	var all []string
	for _, d := range batch {
		all = append(all, fmt.Sprintf("%s#%d", d.Data, d.Attempt))
	}
	return strings.Join(all, " ")
}

func (s *shop) batches(f func(ctx context.Context, batch []*messaging.Delivery) error, o messaging.BatchOptions, opts ...messaging.SubscribeOption) {
	s.t.Helper()
	h := messaging.HandleBatch(func(ctx context.Context, batch []*messaging.Delivery) error {
		s.saw("%s", texts(batch))
		return f(ctx, batch)
	}, o)
	opts = append([]messaging.SubscribeOption{messaging.Group("billing"), messaging.Concurrency(1)}, opts...)
	if _, err := s.Subscribe(s.t.Context(), "orders", h, opts...); err != nil {
		s.t.Fatal(err)
	}
}

func fine(context.Context, []*messaging.Delivery) error { return nil }

func TestBatch_IsFilledOrWaitsNoLongerThanItShould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.batches(fine, messaging.BatchOptions{Size: 3, Wait: time.Second})
		start := time.Now()
		s.put("1", "2", "3")
		s.want("1#1 2#1 3#1")
		if took := time.Since(start); took != 0 {
			t.Errorf("a complete batch waited %v", took)
		}
		s.put("4")
		synctest.Wait()
		time.Sleep(400 * time.Millisecond)
		s.put("5")
		s.want("1#1 2#1 3#1")
		time.Sleep(600 * time.Millisecond)
		s.want("1#1 2#1 3#1", "4#1 5#1")
		if st := s.Stats(); st.Handled != 5 || s.lag() != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestBatch_ErrorNamesWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.batches(func(_ context.Context, batch []*messaging.Delivery) error {
			failed := &messaging.BatchError{Failed: map[int]error{}}
			for i, d := range batch {
				switch {
				case string(d.Data) == "flaky" && d.Attempt == 1:
					failed.Failed[i] = errHandler
				case string(d.Data) == "bad":
					failed.Failed[i] = messaging.Permanent(errHandler)
				}
			}
			if len(failed.Failed) == 0 {
				return nil
			}
			return fmt.Errorf("storing: %w", failed)
		}, messaging.BatchOptions{Size: 4})
		s.put("good", "flaky", "bad", "fine")
		time.Sleep(time.Second)
		s.want("good#1 flaky#1 bad#1 fine#1", "flaky#2")
		if letters := s.letters(); len(letters) != 1 || letters[0].Reason != messaging.ReasonPermanent {
			t.Errorf("dead letters %+v", letters)
		}
	})
}

func TestBatch_OtherErrorsSplitItUntilThePoisonIsAlone(t *testing.T) {
	for name, f := range map[string]func(){"error": func() {}, "panic": func() { panic("boom") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, memory.Config{})
				s.batches(func(_ context.Context, batch []*messaging.Delivery) error {
					if slices.ContainsFunc(batch, func(d *messaging.Delivery) bool { return string(d.Data) == "poison" }) {
						f()
						return errHandler
					}
					return nil
				}, messaging.BatchOptions{Size: 4}, messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{}, Later: []time.Duration{}}))
				s.put("1", "2", "poison", "4")
				s.want("1#1 2#1 poison#1 4#1", "1#1 2#1", "poison#1 4#1", "poison#1", "4#1")
				if letters := s.letters(); len(letters) != 1 || string(letters[0].Event.Data) != "poison" || letters[0].Attempts != 1 {
					t.Errorf("dead letters %+v", letters)
				}
				if s.lag() != 0 {
					t.Errorf("lag %d", s.lag())
				}
			})
		})
	}
}

func TestBatch_KeepsTheOrderOfKeysAroundAFailure(t *testing.T) {
	for _, tc := range []struct {
		goOn bool
		want []string
	}{
		{false, []string{"a/1#1 b/1#1 a/2#1 b/2#1", "a/1#2 a/2#1"}},
		{true, []string{"a/1#1 b/1#1 a/2#1 b/2#1", "a/1#2"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t, memory.Config{})
			// What is gathered keeps the order of each key; this test's want is in the order of publishing.
			s.batches(func(_ context.Context, batch []*messaging.Delivery) error {
				for i, d := range batch {
					if string(d.Data) == "a/1" && d.Attempt == 1 {
						return &messaging.BatchError{Failed: map[int]error{i: errHandler}}
					}
				}
				return nil
			}, messaging.BatchOptions{Size: 4, Continue: tc.goOn})
			s.put("a/1", "b/1", "a/2", "b/2")
			time.Sleep(time.Second)
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			for i := range s.seen {
				s.seen[i] = sorted(s.seen[i])
			}
			for i := range tc.want {
				tc.want[i] = sorted(tc.want[i])
			}
			if !slices.Equal(s.seen, tc.want) {
				t.Errorf("continue %v: saw %q, want %q", tc.goOn, s.seen, tc.want)
			}
		})
	}
}

func sorted(text string) string {
	words := strings.Fields(text)
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestBatch_SnoozeAndReleaseHoldForTheWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		first := true
		s.batches(func(context.Context, []*messaging.Delivery) error {
			if first {
				first = false
				return messaging.Snooze(time.Second)
			}
			return nil
		}, messaging.BatchOptions{Size: 2})
		s.put("1", "2")
		time.Sleep(5 * time.Second)
		s.want("1#1 2#1", "1#1 2#1")
	})
}

func TestBatch_TimeoutDrainAndRevoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.batches(func(ctx context.Context, _ []*messaging.Delivery) error {
			<-ctx.Done()
			s.saw("%v", context.Cause(ctx))
			return nil
		}, messaging.BatchOptions{Size: 2, Wait: time.Hour}, messaging.HandlerTimeout(-1))
		s.put("1", "2")
		synctest.Wait()
		s.server.Disconnect()
		synctest.Wait()
		s.server.Reconnect()
		synctest.Wait()
		s.put("3") // waits for an hour to be gathered
		synctest.Wait()
		start := time.Now()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 25*time.Second {
			t.Errorf("close took %v", took)
		}
		s.want("1#1 2#1", "revoked", "1#1 2#1", "draining")
		if got := s.lag(); got != 3 {
			t.Errorf("lag %d, want 3 released", got)
		}
	})
}

func TestOnBatch_BuriesWhatDoesNotDecodeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		type order struct{ Total int }
		placed := messaging.Define[order]("order.placed", "1")
		h := messaging.OnBatch(placed, func(_ context.Context, batch []messaging.Typed[order]) error {
			for _, e := range batch {
				s.saw("%d", e.Value.Total)
			}
			return nil
		}, messaging.BatchOptions{Size: 4})
		if _, err := s.Subscribe(t.Context(), "orders", h, messaging.Group("billing")); err != nil {
			t.Fatal(err)
		}
		err := s.Publish(t.Context(), "orders", placed.New(order{1}), envelope.New("order.placed", []byte("{")), placed.New(order{3}),
			envelope.New("order.placed", []byte(`{}`), envelope.Version("2")), envelope.New("order.shipped", nil))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		s.want("1", "3")
		var reasons []messaging.Reason
		for _, l := range s.letters() {
			reasons = append(reasons, l.Reason)
		}
		if !slices.Equal(reasons, []messaging.Reason{messaging.ReasonDecode, messaging.ReasonVersion}) {
			t.Errorf("dead letters %v", reasons)
		}
	})
}

func TestBatch_RefusesMiddlewareAndSmallWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		same := func(h messaging.Handler) messaging.Handler { return h }
		for name, opts := range map[string][]messaging.SubscribeOption{
			"middleware is per event": {messaging.Use(same)},
			"never holds a batch":     {messaging.Window(10, 0)},
		} {
			_, err := s.Subscribe(t.Context(), "orders", messaging.HandleBatch(fine, messaging.BatchOptions{}), append(opts, messaging.Group("g"))...)
			if !errors.Is(err, messaging.ErrInvalid) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
