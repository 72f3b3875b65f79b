package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

// service is what handlers need; it counts its callers.
type service struct {
	down          atomic.Bool
	calls, failed atomic.Int64
	now, most     atomic.Int64
}

func (s *service) call(took time.Duration) error {
	s.calls.Add(1)
	if n := s.now.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	time.Sleep(took)
	s.now.Add(-1)
	if s.down.Load() {
		s.failed.Add(1)
		return errDown
	}
	return nil
}

// block keeps a key standing still while one of its events waits for a retry.
var block = messaging.Retry(messaging.RetryPolicy{WhenLater: messaging.Block})

func TestBrake_HoldsAnOutageWithoutLossWithOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		var svc service
		var mu sync.Mutex
		var changes []string
		brake := must(middleware.NewBrake(middleware.BrakeConfig{OnChange: func(c middleware.BrakeChange) {
			mu.Lock()
			defer mu.Unlock()
			change := c.To.String()
			if c.To == middleware.BrakeOpen {
				change = fmt.Sprintf("open %v", time.Until(c.ProbeAt))
			}
			changes = append(changes, change)
		}}))
		s.subscribe("orders", brake.Middleware, func(_ context.Context, d *messaging.Delivery) error {
			if err := svc.call(100 * time.Millisecond); err != nil {
				return err
			}
			s.saw("%s", d.Data)
			return nil
		}, block, messaging.Concurrency(8), messaging.Window(16, 0))
		svc.down.Store(true)
		keys := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
		s.put("orders", 10, keys...)
		time.Sleep(500 * time.Millisecond)
		if n := svc.failed.Load(); n < 5 || n > 8+4 || brake.State() != middleware.BrakeOpen {
			t.Fatalf("%d calls failed, brake %v", svc.failed.Load(), brake.State())
		}
		svc.most.Store(0)
		time.Sleep(200 * time.Second)
		if most := svc.most.Load(); most != 1 {
			t.Errorf("%d probes at once", most)
		}
		failed := svc.failed.Load()
		svc.down.Store(false)
		time.Sleep(time.Hour)
		if brake.State() != middleware.BrakeClosed {
			t.Errorf("brake %v", brake.State())
		}
		s.wantInOrder(10, keys...)
		if st := s.Stats(); st.Failed != failed || st.Dead != 0 || st.Later != 0 || st.Released != 0 || st.Handled != 100 {
			t.Errorf("%+v, %d calls failed", st, failed)
		}
		if s.lag("orders") != 0 {
			t.Error("events are left")
		}
		var want []string
		for _, d := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
			want = append(want, fmt.Sprintf("open %v", d*time.Second), "probing")
		}
		mu.Lock()
		defer mu.Unlock()
		if want = append(want, "closed"); !slices.Equal(changes, want) {
			t.Errorf("changes %q\nwant    %q", changes, want)
		}
	})
}

func TestBrake_TakesTurnsBetweenSubscriptionsThatShareIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		var svc service
		brake := must(middleware.NewBrake(middleware.BrakeConfig{}))
		for _, topic := range []string{"orders", "refunds"} {
			s.subscribe(topic, brake.Middleware, func(_ context.Context, d *messaging.Delivery) error {
				err := svc.call(50 * time.Millisecond)
				if err == nil {
					s.saw("%s", d.Data)
				}
				return err
			}, block)
		}
		svc.down.Store(true)
		s.put("orders", 5, "a", "b", "c")
		s.put("refunds", 5, "x", "y", "z")
		time.Sleep(500 * time.Millisecond)
		svc.most.Store(0)
		time.Sleep(time.Minute)
		if svc.most.Load() != 1 {
			t.Errorf("%d probes at once", svc.most.Load())
		}
		svc.down.Store(false)
		time.Sleep(time.Hour)
		s.wantInOrder(5, "a", "b", "c", "x", "y", "z")
	})
}

func TestBrake_WaitsLongerThanTheHandlersTimeAndLeavesHalfOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		brake := must(middleware.NewBrake(middleware.BrakeConfig{Consecutive: 1, FirstProbe: 10 * time.Second}))
		first := true
		s.subscribe("orders", brake.Middleware, func(ctx context.Context, d *messaging.Delivery) error {
			if deadline, _ := ctx.Deadline(); time.Until(deadline) < 100*time.Millisecond {
				t.Errorf("%v are left", time.Until(deadline))
			}
			s.saw("%s attempt %d", d.Data, d.Attempt)
			if first {
				first = false
				return errDown
			}
			return nil
		}, messaging.HandlerTimeout(200*time.Millisecond), messaging.Concurrency(1))
		s.put("orders", 3, "a")
		time.Sleep(time.Minute)
		s.want("a:0 attempt 1", "a:0 attempt 2", "a:1 attempt 1", "a:2 attempt 1")
		if _, at := s.all(); at[1].Sub(at[0]) < 10*time.Second || at[1].Sub(at[0]) > 10*time.Second+time.Millisecond {
			t.Errorf("probed after %v", at[1].Sub(at[0]))
		}
		if st := s.Stats(); st.Failed != 1 || st.Dead != 0 || st.Stuck != 0 || st.Later != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestBrake_DrainEndsWaitsWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		var svc service
		brake := must(middleware.NewBrake(middleware.BrakeConfig{FirstProbe: time.Hour}))
		sub := s.subscribe("orders", brake.Middleware, func(context.Context, *messaging.Delivery) error {
			return svc.call(0)
		}, messaging.Concurrency(8), block)
		svc.down.Store(true)
		s.put("orders", 10, "a", "b", "c", "d", "e", "f", "g", "h")
		time.Sleep(10 * time.Second)
		failed := s.Stats().Failed
		start := time.Now()
		if err := sub.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("close took %v", took)
		}
		if lag := s.lag("orders"); lag != 80 {
			t.Errorf("lag %d, want all 80 events given back", lag)
		}
		if st := s.Stats(); st.Failed != failed || st.Dead != 0 {
			t.Errorf("%+v, failed before %d", st, failed)
		}
	})
}

// opened returns a brake that is open, with its first probe due.
func opened(t *testing.T, cfg middleware.BrakeConfig) *middleware.Brake {
	t.Helper()
	cfg.Consecutive = 1
	brake := must(middleware.NewBrake(cfg))
	_ = brake.Middleware(returning(errDown)).Handle(t.Context(), delivery("order.placed"))
	time.Sleep(time.Second)
	return brake
}

func TestBrake_ProbeThatPanicsOrExitsIsAFailure(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("broken") }, "exit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				brake := opened(t, middleware.BrakeConfig{})
				h := brake.Middleware(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { end(); return nil }))
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { _ = recover() }()
					_ = h.Handle(t.Context(), delivery("order.placed"))
				}()
				<-done
				if brake.State() != middleware.BrakeOpen {
					t.Fatalf("brake is %v", brake.State())
				}
				start := time.Now()
				for brake.State() != middleware.BrakeClosed {
					_ = brake.Middleware(returning(nil)).Handle(t.Context(), delivery("order.placed"))
				}
				if took := time.Since(start); took != 2*time.Second {
					t.Errorf("next probe after %v", took)
				}
			})
		})
	}
}

func TestBrake_ProbeThatSaysNothingLetsTheNextEventProbeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drained, cancel := context.WithCancelCause(t.Context())
		for name, probe := range map[string]func(*middleware.Brake) error{
			"permanent": func(b *middleware.Brake) error {
				return b.Middleware(returning(messaging.Permanent(errDown))).Handle(t.Context(), delivery("order.placed"))
			},
			"drained": func(b *middleware.Brake) error {
				return b.Middleware(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
					cancel(messaging.ErrDraining)
					return errDown
				})).Handle(drained, delivery("order.placed"))
			},
		} {
			brake := opened(t, middleware.BrakeConfig{})
			if err := probe(brake); !errors.Is(err, errDown) || brake.State() != middleware.BrakeOpen {
				t.Errorf("%s: %v, brake is %v", name, err, brake.State())
			}
			start := time.Now()
			if err := brake.Middleware(returning(nil)).Handle(t.Context(), delivery("order.placed")); err != nil || time.Since(start) != 0 {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
			if brake.State() != middleware.BrakeClosed {
				t.Errorf("%s: brake is %v", name, brake.State())
			}
		}
	})
}

func TestBrake_WhatBeganBeforeAChangeSaysNothingAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		brake := must(middleware.NewBrake(middleware.BrakeConfig{Consecutive: 1}))
		slow := func(err error, took time.Duration) {
			go func() {
				_ = brake.Middleware(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
					time.Sleep(took)
					return err
				})).Handle(t.Context(), delivery("order.placed"))
			}()
		}
		slow(nil, 500*time.Millisecond)
		slow(errDown, 10*time.Second)
		synctest.Wait()
		_ = brake.Middleware(returning(errDown)).Handle(t.Context(), delivery("order.placed"))
		time.Sleep(600 * time.Millisecond)
		if brake.State() != middleware.BrakeOpen {
			t.Errorf("an old success made it %v", brake.State())
		}
		time.Sleep(time.Second)
		_ = brake.Middleware(returning(nil)).Handle(t.Context(), delivery("order.placed"))
		time.Sleep(time.Minute)
		if brake.State() != middleware.BrakeClosed {
			t.Errorf("an old failure made it %v", brake.State())
		}
	})
}

func TestBrake_WaitEndsWithItsContextAndCountsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		brake := opened(t, middleware.BrakeConfig{FirstProbe: time.Hour})
		h := brake.Middleware(returning(nil))
		for _, cause := range []error{messaging.ErrDraining, messaging.ErrRevoked, messaging.ErrHandlerTimeout} {
			ctx, cancel := context.WithCancelCause(t.Context())
			start := time.Now()
			go func() {
				time.Sleep(100 * time.Millisecond)
				cancel(cause)
			}()
			if err := h.Handle(ctx, delivery("order.placed")); !snoozed(err) || time.Since(start) != 100*time.Millisecond {
				t.Errorf("%v: %v after %v", cause, err, time.Since(start))
			}
		}
	})
}

func TestBrake_TellsChangesInOrderAndSurvivesACallbackThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var brake *middleware.Brake
		var got []middleware.BrakeChange
		brake = must(middleware.NewBrake(middleware.BrakeConfig{Consecutive: 1, OnChange: func(c middleware.BrakeChange) {
			got = append(got, c)
			if brake.State() != c.To {
				t.Errorf("told %v in %v", c.To, brake.State())
			}
			if c.To == middleware.BrakeClosed {
				panic("callback")
			}
		}}))
		handle := func(err error) {
			defer func() { _ = recover() }()
			_ = brake.Middleware(returning(err)).Handle(t.Context(), delivery("order.placed"))
		}
		start := time.Now()
		handle(errDown)
		time.Sleep(time.Second)
		handle(errDown)
		time.Sleep(2 * time.Second)
		handle(nil)
		handle(errDown)
		want := []middleware.BrakeChange{
			{From: middleware.BrakeClosed, To: middleware.BrakeOpen, ProbeAt: start.Add(time.Second), Err: errDown},
			{From: middleware.BrakeOpen, To: middleware.BrakeProbing},
			{From: middleware.BrakeProbing, To: middleware.BrakeOpen, ProbeAt: start.Add(3 * time.Second), Err: errDown},
			{From: middleware.BrakeOpen, To: middleware.BrakeProbing},
			{From: middleware.BrakeProbing, To: middleware.BrakeClosed},
			{From: middleware.BrakeClosed, To: middleware.BrakeOpen, ProbeAt: start.Add(4 * time.Second), Err: errDown},
		}
		if !slices.Equal(got, want) {
			t.Errorf("told %v\nwant %v", got, want)
		}
	})
}

func TestBrake_ClosingLetsThoseThatWaitGoOnAtOnceAndForgetsOldFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		brake := must(middleware.NewBrake(middleware.BrakeConfig{Consecutive: -1, Events: 2, Share: 0.5}))
		for range 2 {
			_ = brake.Middleware(returning(errDown)).Handle(t.Context(), delivery("order.placed"))
		}
		time.Sleep(time.Second)
		go func() {
			_ = brake.Middleware(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
				time.Sleep(100 * time.Millisecond)
				return nil
			})).Handle(t.Context(), delivery("order.placed"))
		}()
		synctest.Wait()
		start := time.Now()
		err := brake.Middleware(returning(errDown)).Handle(t.Context(), delivery("order.placed"))
		if took := time.Since(start); !errors.Is(err, errDown) || took != 100*time.Millisecond {
			t.Errorf("%v after %v", err, took)
		}
		if brake.State() != middleware.BrakeClosed {
			t.Errorf("one failure made it %v", brake.State())
		}
	})
}
