package middleware_test

import (
	"context"
	"hash/fnv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

// everything is a chain of all that waits.
func everything() messaging.Middleware {
	brake := must(middleware.NewBrake(middleware.BrakeConfig{}))
	room := must(middleware.NewBulkhead(middleware.BulkheadConfig{Limit: 4}))
	limit := must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 20, Burst: 5}))
	soon := must(middleware.NewTimeout(middleware.TimeoutConfig{After: 10 * time.Second}))
	return middleware.Chain(brake.Middleware, room.Middleware, limit.Middleware, soon)
}

// unlucky reports, by its id, whether an attempt at an event fails: about one in five does, each event's third attempt never.
func unlucky(d *messaging.Delivery) bool {
	h := fnv.New32a()
	_, _ = h.Write(d.Data)
	return d.Attempt < 3 && (h.Sum32()+uint32(d.Attempt)*7919)%5 == 0
}

func TestTogether_NothingIsLostAndKeysKeepTheirOrderUnderFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		chain := everything()
		var mu sync.Mutex
		failed := map[string]int{}
		for _, topic := range []string{"orders", "refunds"} {
			s.subscribe(topic, chain, func(_ context.Context, d *messaging.Delivery) error {
				time.Sleep(20 * time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				if failed[string(d.Data)]+1 != d.Attempt {
					t.Errorf("%s has failed %d times and is attempt %d", d.Data, failed[string(d.Data)], d.Attempt)
				}
				if unlucky(d) {
					failed[string(d.Data)]++
					return errDown
				}
				s.saw("%s", d.Data)
				return nil
			}, block)
		}
		s.put("orders", 20, "a", "b", "c", "d", "e")
		s.put("refunds", 20, "v", "w", "x", "y", "z")
		time.Sleep(time.Hour)
		s.wantInOrder(20, "a", "b", "c", "d", "e", "v", "w", "x", "y", "z")
		var sum int64
		for _, n := range failed {
			sum += int64(n)
		}
		if st := s.Stats(); sum == 0 || st.Failed != sum || st.Dead != 0 || st.Released != 0 || st.Later != 0 {
			t.Errorf("%d failures, %+v", sum, st)
		}
	})
}

func TestTogether_WaitingEventsAreHandedOverWithoutTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		brake := must(middleware.NewBrake(middleware.BrakeConfig{Consecutive: 1, FirstProbe: time.Hour}))
		order := messaging.OrderAcrossReplicas(4)
		s.subscribe("orders", brake.Middleware, returning(errDown).Handle, order, block)
		keys := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
		s.put("orders", 5, keys...)
		time.Sleep(10 * time.Second)
		other := must(messaging.New(t.Context(), s.server.Connect()))
		defer other.Close(context.Background())
		start := time.Now()
		_, err := other.Subscribe(t.Context(), "orders", messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s", d.Data)
			return nil
		}), messaging.Group("billing"), order)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		seen, at := s.all()
		if len(seen) == 0 || len(seen)%5 != 0 {
			t.Fatalf("handed over %q", seen)
		}
		if took := at[len(at)-1].Sub(start); took > 2*time.Second {
			t.Errorf("handed over after %v", took)
		}
	})
}

func TestTogether_BroadcastsWaitAsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.subscribe("orders", middleware.Chain(), returning(nil).Handle) // publishing needs a group
		limit := must(middleware.NewRateLimit(middleware.RateLimitConfig{Events: 1, Per: 10 * time.Second}))
		_, err := s.Subscribe(t.Context(), "orders", messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
			s.saw("%s", d.Data)
			return nil
		}), messaging.Broadcast(), messaging.Use(limit.Middleware), messaging.HandlerTimeout(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		s.put("orders", 5, "a")
		time.Sleep(time.Minute)
		s.wantInOrder(5, "a")
		if st := s.Stats(); st.Discarded != 0 || st.Failed != 0 {
			t.Errorf("%+v", st)
		}
	})
}
