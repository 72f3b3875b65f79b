package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

func TestHold_WhatWaitsGoesToTheInboxInTimeAndInOrder(t *testing.T) {
	for _, tc := range []struct {
		name  string
		texts []string
		batch int
		opts  []messaging.SubscribeOption
	}{
		{name: "behind their key", texts: numbered("a/", 8)},
		{name: "without a key", texts: numbered("", 8)},
		{name: "behind two keys", texts: []string{"a/1", "b/1", "a/2", "b/2", "a/3", "b/3", "a/4", "b/4"}, opts: []messaging.SubscribeOption{messaging.Concurrency(2)}},
		{name: "batches of a key", texts: numbered("a/", 8), batch: 2},
		{name: "batches without a key", texts: numbered("", 8), batch: 3},
		{name: "without a key although keys block", texts: numbered("", 8), opts: []messaging.SubscribeOption{
			messaging.Retry(messaging.RetryPolicy{Later: []time.Duration{time.Second}, WhenLater: messaging.Block}),
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, d := limitedShop(t)
				opts := append([]messaging.SubscribeOption{
					messaging.Group("billing"), messaging.Concurrency(1), messaging.HandlerTimeout(-1), messaging.Window(100, 0),
				}, tc.opts...)
				if _, err := s.Subscribe(t.Context(), "orders", s.slowly(tc.batch), opts...); err != nil {
					t.Fatal(err)
				}
				s.atOnce(tc.texts...)
				time.Sleep(time.Hour)
				for _, key := range []string{"a", "b", ""} {
					var want []string
					for _, text := range tc.texts {
						if k, _, keyed := strings.Cut(text, "/"); keyed && k == key || !keyed && key == "" {
							want = append(want, text+"#1")
						}
					}
					got := s.startingWith(key)
					if key == "" && len(want) == 0 {
						continue
					}
					if !slices.Equal(got, want) {
						t.Errorf("handled %q, want %q", got, want)
					}
				}
				if over := d.overheld(); len(over) > 0 || d.moved == 0 {
					t.Errorf("held too long: %q; %d moves", over, d.moved)
				}
				if st := s.Stats(); s.lag() != 0 || st.Failed != 0 || st.Later != 0 || st.Released != 0 {
					t.Errorf("lag %d, %+v", s.lag(), st)
				}
			})
		})
	}
}

func TestHold_NothingMovesThatIsHandledInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := limitedShop(t)
		s.subscribe(func(context.Context, *messaging.Delivery) error { time.Sleep(30 * time.Second); return nil }, messaging.Concurrency(1))
		for range 20 {
			s.put(numbered("a/", 4)...)
			time.Sleep(3 * time.Minute)
		}
		if d.moved != 0 || s.Stats().Handled != 80 {
			t.Errorf("%d moves, %+v", d.moved, s.Stats())
		}
	})
}

// TestHold_WorkerThatIsStuck: a worker takes many events while handlers are quick, and then one blocks it. What waits with it for a quick try,
// and what it has not begun with, must not wait for the end of that one.
func TestHold_WorkerThatIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stuck []string
		s, d := limitedShop(t, messaging.WithHooks(messaging.Hooks{Stuck: func(d *messaging.Delivery, running time.Duration) {
			stuck = append(stuck, fmt.Sprintf("%s after %v", d.Data, running))
		}}))
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			switch text := string(d.Data); {
			case text == "fails" && d.Attempt == 1:
				return errHandler
			case text == "blocks":
				time.Sleep(25 * time.Minute)
			default:
			}
			s.saw("%s#%d", d.Data, d.Attempt)
			return nil
		}, messaging.Concurrency(1), messaging.HandlerTimeout(-1), messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{time.Minute}}))
		s.atOnce(numbered("", 30)...)
		synctest.Wait()
		s.atOnce(append([]string{"1", "fails", "2", "blocks"}, numbered("r", 40)...)...)
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []string{"blocks after 7m30s"}; !slices.Equal(stuck, want) {
			t.Errorf("reported %q as stuck, want %q", stuck, want)
		}
		if over := d.overheld(); !slices.Equal(over, []string{"blocks"}) {
			t.Errorf("held too long: %q", over)
		}
		if got := s.startingWith("fails"); !slices.Equal(got, []string{"fails#2"}) || len(s.startingWith("r")) != 40 || s.lag() != 0 {
			t.Errorf("saw %q and %d others, lag %d", got, len(s.startingWith("r")), s.lag())
		}
	})
}

func TestHold_QuickTriesGoOnWhereTheyStood(t *testing.T) {
	for name, tc := range map[string]struct{ pause, work time.Duration }{
		"waiting": {pause: time.Minute}, "working": {time.Minute, 70 * time.Second}, "always at work": {0, 4 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, d := limitedShop(t)
				s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
					s.saw("#%d", d.Attempt)
					time.Sleep(tc.work)
					return errHandler
				}, messaging.HandlerTimeout(-1), messaging.Retry(messaging.RetryPolicy{Quick: slices.Repeat([]time.Duration{tc.pause}, 8), Later: []time.Duration{}}))
				s.put("a/1")
				time.Sleep(time.Hour)
				s.want(numbered("#", 9)...)
				for i := range s.at[1:] {
					if pause := s.at[i+1].Sub(s.at[i]) - tc.work; pause < tc.pause {
						t.Errorf("try %d came after %v", i+2, pause)
					}
				}
				if l := s.letters(); len(l) != 1 || l[0].Attempts != 9 || len(l[0].Event.Headers) != 0 {
					t.Errorf("dead letters %+v", l)
				}
				for _, m := range s.stored(driver.Name(driver.KindDead, "orders", "billing")) {
					if _, ok := m.Lookup("orig-herald-quick"); ok {
						t.Error("a dead letter keeps the bookkeeping of a move")
					}
				}
				if over := d.overheld(); len(over) > 0 || d.moved == 0 || s.Stats().Failed != 9 {
					t.Errorf("held too long: %q; %d moves, %+v", over, d.moved, s.Stats())
				}
			})
		})
	}
}

func TestHold_SnoozesAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := limitedShop(t)
		tries := 0
		s.subscribe(func(context.Context, *messaging.Delivery) error {
			tries++ // of one event, one at a time
			s.saw("try")
			time.Sleep(4 * time.Minute)
			if tries < 6 {
				return messaging.Snooze(time.Second)
			}
			return nil
		}, messaging.HandlerTimeout(-1))
		s.put("a/1")
		time.Sleep(time.Hour)
		s.want(slices.Repeat([]string{"try"}, 6)...)
		if over := d.overheld(); len(over) > 0 || s.lag() != 0 {
			t.Errorf("held too long: %q, lag %d", over, s.lag())
		}
	})
}

func TestHold_BlockKeepsThePlaceOfAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := limitedShop(t)
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s", d.Data)
			time.Sleep(4 * time.Minute)
			return nil
		}, messaging.Concurrency(1), messaging.HandlerTimeout(-1),
			messaging.Retry(messaging.RetryPolicy{Later: []time.Duration{time.Second}, WhenLater: messaging.Block}))
		s.atOnce(numbered("a/", 4)...)
		time.Sleep(6 * time.Minute)
		s.put("a/5")
		time.Sleep(time.Hour)
		s.want(numbered("a/", 5)...)
		if over := d.overheld(); !slices.Equal(over, []string{"a/3", "a/4", "a/5"}) || d.moved != 0 {
			t.Errorf("held too long: %q, %d moves", over, d.moved)
		}
	})
}

func TestHold_PartsOfASplitBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := limitedShop(t)
		h := messaging.HandleBatch(func(_ context.Context, batch []*messaging.Delivery) error {
			time.Sleep(170 * time.Second)
			if strings.Contains(texts(batch), "poison") {
				return errHandler
			}
			for _, d := range batch {
				s.saw("%s#%d", d.Data, d.Attempt)
			}
			return nil
		}, messaging.BatchOptions{Size: 8})
		_, err := s.Subscribe(t.Context(), "orders", h, messaging.Group("billing"), messaging.Concurrency(1), messaging.HandlerTimeout(-1),
			messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{}, Later: []time.Duration{}}))
		if err != nil {
			t.Fatal(err)
		}
		s.atOnce("poison", "1", "2", "3", "4", "5", "6", "7")
		time.Sleep(2 * time.Hour)
		got := s.startingWith("")
		slices.Sort(got)
		if want := []string{"1#1", "2#1", "3#1", "4#1", "5#1", "6#1", "7#1"}; !slices.Equal(got, want) {
			t.Errorf("handled %q, want %q", got, want)
		}
		if l := s.letters(); len(l) != 1 || string(l[0].Event.Data) != "poison" || l[0].Attempts != 1 {
			t.Errorf("dead letters %+v", l)
		}
		if over := d.overheld(); !slices.Equal(over, []string{"poison"}) || d.moved == 0 {
			t.Errorf("held too long: %q; %d moves", over, d.moved)
		}
	})
}

func TestHold_ABatchDoesNotWaitForMoreTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := limitedShop(t)
		s.batches(func(_ context.Context, batch []*messaging.Delivery) error { return nil },
			messaging.BatchOptions{Size: 8, Wait: time.Hour}, messaging.Concurrency(1))
		begin := time.Now()
		s.put("1")
		time.Sleep(time.Minute)
		s.put("2")
		time.Sleep(time.Hour)
		s.want("1#1 2#1")
		if took := s.at[0].Sub(begin); took != holdLimit/4 || d.moved != 0 {
			t.Errorf("called after %v, %d moves", took, d.moved)
		}
	})
}

func TestHold_WhatIsNotPulledGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := limitedShop(t, messaging.WithConfig(messaging.Config{Unrouted: messaging.KeepUnrouted}))
		s.atOnce(numbered("", 6)...)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		for p, err := range s.Pull(ctx, "orders", messaging.Group("billing"), messaging.Concurrency(2), messaging.HandlerTimeout(-1)) {
			if err != nil {
				t.Fatal(err)
			}
			s.saw("%s#%d", p.Data, p.Attempt)
			if len(s.seen) == 1 {
				time.Sleep(time.Hour)
			}
			p.Ack()
		}
		got := s.startingWith("")
		if over := d.overheld(); len(over) != 1 || over[0]+"#1" != got[0] || d.moved == 0 {
			t.Errorf("held too long: %q; %d moves", over, d.moved)
		}
		slices.Sort(got)
		if want := []string{"1#1", "2#1", "3#1", "4#1", "5#1", "6#1"}; !slices.Equal(got, want) {
			t.Errorf("pulled %q, want %q", got, want)
		}
	})
}

func TestHold_ClerkGoesOnWhileCopiesWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := limitedShop(t)
		d.gate = make(chan struct{})
		sub := s.subscribe(func(ctx context.Context, _ *messaging.Delivery) error {
			<-ctx.Done()
			s.saw("%v", context.Cause(ctx))
			<-d.gate
			return nil
		}, messaging.Concurrency(1), messaging.HandlerTimeout(7*time.Minute))
		s.atOnce(numbered("a/", 4)...)
		time.Sleep(8 * time.Minute)
		s.want(messaging.ErrHandlerTimeout.Error())
		closed := make(chan error, 1)
		go func() { closed <- sub.Close(t.Context()) }()
		time.Sleep(time.Minute)
		if err := <-closed; err == nil || !strings.Contains(err.Error(), "still runs") {
			t.Errorf("Close returned %v", err)
		}
		close(d.gate)
		synctest.Wait()
		if lag, err := s.Lag(t.Context(), "orders", "billing"); err != nil || lag.Count+lag.Later != 4 {
			t.Errorf("lag %+v, %v, want 4 in all", lag, err)
		}
	})
}

func TestHold_CopiesThatAreRefusedAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := limitedShop(t)
		sub := s.subscribe(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s", d.Data)
			time.Sleep(6 * time.Minute)
			return nil
		}, messaging.Concurrency(1), messaging.HandlerTimeout(-1))
		s.atOnce("a/1", "a/2")
		time.Sleep(time.Second)
		s.server.Refuse("orders", true)
		time.Sleep(5*time.Minute + 5*time.Second)
		s.server.Refuse("orders", false)
		time.Sleep(time.Hour)
		s.want("a/1", "a/2")
		if over := d.overheld(); len(over) > 0 || d.moved < 2 {
			t.Errorf("held too long: %q; %d moves", over, d.moved)
		}
		if err := errors.Join(sub.Err(), sub.Close(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// slowly handles events one by one, or in batches of a size, and takes three minutes for each call.
func (s *shop) slowly(size int) messaging.Handler {
	if size == 0 {
		return messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s#%d", d.Data, d.Attempt)
			time.Sleep(3 * time.Minute)
			return nil
		})
	}
	return messaging.HandleBatch(func(_ context.Context, batch []*messaging.Delivery) error {
		for _, d := range batch {
			s.saw("%s#%d", d.Data, d.Attempt)
		}
		time.Sleep(3 * time.Minute)
		return nil
	}, messaging.BatchOptions{Size: size, Wait: -1})
}
