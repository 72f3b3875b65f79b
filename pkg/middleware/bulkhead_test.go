package middleware_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

func TestBulkhead_BoundsHandlersAcrossSubscriptionsAndCountsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		var svc service
		room := must(middleware.NewBulkhead(middleware.BulkheadConfig{Limit: 3}))
		for _, topic := range []string{"orders", "refunds"} {
			s.subscribe(topic, room.Middleware, func(ctx context.Context, d *messaging.Delivery) error {
				if deadline, _ := ctx.Deadline(); time.Until(deadline) < 2*time.Second {
					t.Errorf("%v are left", time.Until(deadline))
				}
				if d.Attempt != 1 {
					t.Errorf("%s is attempt %d", d.Data, d.Attempt)
				}
				s.saw("%s", d.Data)
				return svc.call(1500 * time.Millisecond)
			}, messaging.HandlerTimeout(4*time.Second))
		}
		s.put("orders", 5, "a", "b", "c", "d")
		s.put("refunds", 5, "x", "y", "z")
		synctest.Wait()
		if room.Running() != 3 {
			t.Errorf("%d running", room.Running())
		}
		time.Sleep(time.Minute)
		s.wantInOrder(5, "a", "b", "c", "d", "x", "y", "z")
		if svc.most.Load() != 3 || room.Running() != 0 {
			t.Errorf("%d at once, %d running", svc.most.Load(), room.Running())
		}
		if st := s.Stats(); st.Failed != 0 || st.Later != 0 || st.Dead != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestBulkhead_DrainWaitsForHandlersAndNotForThoseWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		room := must(middleware.NewBulkhead(middleware.BulkheadConfig{Limit: 1}))
		sub := s.subscribe("orders", room.Middleware, func(context.Context, *messaging.Delivery) error {
			time.Sleep(10 * time.Second)
			return nil
		})
		s.put("orders", 1, "a", "b", "c")
		synctest.Wait()
		start := time.Now()
		if err := sub.Close(t.Context()); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if lag := s.lag("orders"); lag != 2 {
			t.Errorf("lag %d, want 2 events given back", lag)
		}
	})
}

func TestBulkhead_PanicAndFailureGiveTheirRoomBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		room := must(middleware.NewBulkhead(middleware.BulkheadConfig{Limit: 1}))
		s.subscribe("orders", room.Middleware, func(_ context.Context, d *messaging.Delivery) error {
			s.saw("attempt %d", d.Attempt)
			switch d.Attempt {
			case 1:
				panic("broken")
			case 2:
				return errDown
			default:
				return nil
			}
		})
		s.put("orders", 1, "a")
		time.Sleep(time.Second)
		s.want("attempt 1", "attempt 2", "attempt 3")
		if room.Running() != 0 {
			t.Errorf("%d running", room.Running())
		}
	})
}

func TestBulkhead_WaitEndsWithItsContextOrAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := must(middleware.NewBulkhead(middleware.BulkheadConfig{Limit: 1}))
		end := make(chan struct{})
		defer close(end)
		go func() {
			_ = room.Middleware(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { <-end; return nil })).Handle(t.Context(), delivery("order.placed"))
		}()
		synctest.Wait()
		h := room.Middleware(returning(nil))
		cut, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(100*time.Millisecond, func() { cancel(messaging.ErrDraining) })
		for _, c := range []struct {
			ctx  context.Context
			want time.Duration
		}{{cut, 100 * time.Millisecond}, {t.Context(), time.Second}} {
			start := time.Now()
			if err := h.Handle(c.ctx, delivery("order.placed")); !snoozed(err) || time.Since(start) != c.want {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		}
	})
}

func TestNewBulkhead_DefaultAndRefusal(t *testing.T) {
	if b, err := middleware.NewBulkhead(middleware.BulkheadConfig{Limit: -1}); !errors.Is(err, messaging.ErrInvalid) || b != nil {
		t.Error(err)
	}
	synctest.Test(t, func(t *testing.T) {
		room := must(middleware.NewBulkhead(middleware.BulkheadConfig{}))
		end := make(chan struct{})
		h := room.Middleware(messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { <-end; return nil }))
		for range 20 {
			go func() { _ = h.Handle(t.Context(), delivery("order.placed")) }()
		}
		synctest.Wait()
		if room.Running() != 16 {
			t.Errorf("%d running by default", room.Running())
		}
		close(end)
	})
}
