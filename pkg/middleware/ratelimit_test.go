package middleware_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

func TestRateLimit_SpacesEventsAfterABurstInTheOrderOfTheirKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		limit := must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 10, Burst: 3}))
		s.subscribe("orders", limit.Middleware, func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s", d.Data)
			return nil
		})
		start := time.Now()
		s.put("orders", 10, "a", "b", "c", "d", "e")
		time.Sleep(time.Minute)
		s.wantInOrder(10, "a", "b", "c", "d", "e")
		_, at := s.all()
		var got, want []time.Duration
		for i, t := range at {
			got = append(got, t.Sub(start))
			want = append(want, max(time.Duration(i-2), 0)*100*time.Millisecond)
		}
		if !slices.Equal(got, want) {
			t.Errorf("started at %v", got)
		}
		s.put("orders", 3, "f") // the bucket is full again
		if _, at = s.all(); len(at) != 53 || time.Since(at[50]) != 0 {
			t.Errorf("no burst after a pause: %d", len(at))
		}
		if st := s.Stats(); st.Failed != 0 || st.Later != 0 || st.Released != 0 || st.Handled != 53 {
			t.Errorf("%+v", st)
		}
	})
}

func TestRateLimit_HoldsUnderFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		limit := must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 5}))
		var mu sync.Mutex
		var starts []time.Time
		tries := map[string]int{}
		s.subscribe("orders", limit.Middleware, func(_ context.Context, d *messaging.Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			starts = append(starts, time.Now()) // 200 ms apart, so never two at once
			if tries[d.ID]++; tries[d.ID] != d.Attempt {
				t.Errorf("try %d is attempt %d", tries[d.ID], d.Attempt)
			}
			if tries[d.ID] < 3 {
				return errDown
			}
			s.saw("%s", d.Data)
			return nil
		})
		s.put("orders", 5, "a", "b", "c", "d")
		time.Sleep(time.Minute)
		s.wantInOrder(5, "a", "b", "c", "d")
		for i := range starts[1:] {
			if gap := starts[i+1].Sub(starts[i]); gap < 200*time.Millisecond {
				t.Errorf("attempts %v apart", gap)
			}
		}
		if st := s.Stats(); len(starts) != 60 || st.Failed != 40 || st.Later != 0 || st.Dead != 0 {
			t.Errorf("%d attempts, %+v", len(starts), st)
		}
	})
}

func TestRateLimit_WaitsLongerThanTheHandlersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		limit := must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 2, Per: time.Minute}))
		s.subscribe("orders", limit.Middleware, func(ctx context.Context, d *messaging.Delivery) error {
			if deadline, _ := ctx.Deadline(); time.Until(deadline) < 50*time.Millisecond {
				t.Errorf("%v are left", time.Until(deadline))
			}
			s.saw("%s attempt %d", d.Data, d.Attempt)
			return nil
		}, messaging.HandlerTimeout(100*time.Millisecond))
		start := time.Now()
		s.put("orders", 3, "a")
		time.Sleep(2 * time.Minute)
		s.want("a:0 attempt 1", "a:1 attempt 1", "a:2 attempt 1")
		if _, at := s.all(); at[2].Sub(start) != time.Minute {
			t.Errorf("third after %v", at[2].Sub(start))
		}
		if st := s.Stats(); st.Failed != 0 || st.Stuck != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestRateLimit_NeverMoreThanAskedWhereTheRateDoesNotDivide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 3})).Middleware(returning(nil))
		start := time.Now()
		for range 4 {
			if err := h.Handle(t.Context(), delivery("order.placed")); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < time.Second || took > time.Second+3 {
			t.Errorf("a fourth event after %v", took)
		}
	})
}

func TestRateLimit_SharedBySubscriptionsIsOneRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		limit := must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 1}))
		for _, topic := range []string{"orders", "refunds"} {
			s.subscribe(topic, limit.Middleware, func(_ context.Context, d *messaging.Delivery) error {
				s.saw("%s", d.Data)
				return nil
			})
		}
		s.put("orders", 20, "a")
		s.put("refunds", 20, "b")
		time.Sleep(29*time.Second + time.Millisecond)
		if seen, _ := s.all(); len(seen) != 30 {
			t.Errorf("%d events in 29 s", len(seen))
		}
		time.Sleep(20 * time.Second)
		s.wantInOrder(20, "a", "b")
	})
}

func TestRateLimit_DrainEndsWaitsWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		limit := must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 1, Per: time.Hour}))
		sub := s.subscribe("orders", limit.Middleware, returning(nil).Handle)
		s.put("orders", 10, "a", "b", "c")
		time.Sleep(10 * time.Second)
		start := time.Now()
		if err := sub.Close(t.Context()); err != nil || time.Since(start) > time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if lag := s.lag("orders"); lag != 29 {
			t.Errorf("lag %d, want 29 events given back", lag)
		}
	})
}

func TestRateLimit_WaitEndsWithItsContextAndCountsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 2})).Middleware(returning(nil))
		_ = h.Handle(t.Context(), delivery("order.placed"))
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, messaging.ErrDraining)
		defer cancel()
		cut, stop := context.WithCancelCause(ctx)
		go func() {
			time.Sleep(100 * time.Millisecond)
			stop(messaging.ErrDraining)
		}()
		start := time.Now()
		if err := h.Handle(cut, delivery("order.placed")); !snoozed(err) || time.Since(start) != 100*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestNewRateLimit_RefusesWhatMakesNoSense(t *testing.T) {
	for _, cfg := range []middleware.RateLimitConfig{
		{},
		{Events: -1},
		{Events: 1, Per: -time.Second},
		{Events: 1, Burst: -1},
		{Events: 11, Per: 10},
		{Events: 1, Per: 24 * time.Hour, Burst: 1 << 40},
	} {
		if l, err := middleware.NewRateLimit(cfg); !errors.Is(err, messaging.ErrInvalid) || l != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
