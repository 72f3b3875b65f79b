package messaging_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

// lag returns how many events the group has not finished, asked through a broker of its own.
func (s *shop) lag() int64 {
	s.t.Helper()
	b, err := messaging.New(s.t.Context(), s.server.Connect())
	if err != nil {
		s.t.Fatal(err)
	}
	defer b.Close(s.t.Context())
	lag, err := b.Lag(s.t.Context(), "orders", "billing")
	if err != nil {
		s.t.Fatal(err)
	}
	return lag.Count + lag.Later
}

func TestDrain_LetsHandlersFinishWithALiveContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(ctx context.Context, d *messaging.Delivery) error {
			time.Sleep(10 * time.Second)
			if err := s.Publish(ctx, "orders", envelope.New("order.charged", d.Data)); err != nil {
				t.Errorf("publishing while draining: %v", err)
			}
			s.saw("%s %v", d.Data, ctx.Err())
			return ctx.Err()
		}, messaging.Concurrency(1), messaging.Types("order.placed"))
		s.put("first", "second")
		synctest.Wait()
		start := time.Now()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("close took %v", took)
		}
		s.want("first <nil>")
		if got := s.lag(); got != 1 { // second; order.charged is not in the filter
			t.Errorf("lag %d", got)
		}
	})
}

func TestDrain_ReleasesWhatDoesNotFinishAndNeverDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		none := messaging.RetryPolicy{Quick: []time.Duration{}, Later: []time.Duration{}}
		s.subscribe(func(ctx context.Context, _ *messaging.Delivery) error {
			<-ctx.Done()
			s.saw("%v", context.Cause(ctx))
			return errHandler // would be a dead letter
		}, messaging.Retry(none), messaging.HandlerTimeout(-1))
		s.put("slow")
		synctest.Wait()
		start := time.Now()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 25*time.Second {
			t.Errorf("close took %v", took)
		}
		s.want(messaging.ErrDraining.Error())
		if got := s.lag(); got != 1 {
			t.Errorf("lag %d, want the released event", got)
		}
		if st := s.Stats(); st.Dead != 0 || st.Failed != 0 || st.Released != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestDrain_ContextOfCloseCutsItShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(ctx context.Context, _ *messaging.Delivery) error {
			<-ctx.Done()
			return nil // too late: whatever it returns is a release
		}, messaging.HandlerTimeout(-1))
		s.put("slow")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if err := s.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("close took %v", took)
		}
		if got := s.lag(); got != 1 {
			t.Errorf("lag %d, want the released event", got)
		}
	})
}

func TestDrain_NamesAHandlerThatDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		end := make(chan struct{})
		sub := s.subscribe(func(context.Context, *messaging.Delivery) error {
			<-end
			return nil
		})
		s.put("deaf")
		synctest.Wait()
		start := time.Now()
		err := sub.Close(t.Context())
		var e *messaging.Error
		if !errors.As(err, &e) || e.Op != "close" || !strings.Contains(err.Error(), "order.placed") {
			t.Errorf("close: %v", err)
		}
		if took := time.Since(start); took != 26500*time.Millisecond {
			t.Errorf("close took %v", took)
		}
		close(end)
		synctest.Wait()
		if got := s.lag(); got != 1 {
			t.Errorf("lag %d: an outcome from after Close settled something", got)
		}
	})
}

func TestDrain_EndsWaitsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(context.Context, *messaging.Delivery) error { return errHandler },
			messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{time.Minute}}))
		s.put("a/1", "a/2", "b/1")
		synctest.Wait()
		start := time.Now()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("close took %v", took)
		}
		if got := s.lag(); got != 3 {
			t.Errorf("lag %d", got)
		}
	})
}

func TestRun_ReturnsNilWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		var handled atomic.Int64
		s.subscribe(func(context.Context, *messaging.Delivery) error {
			handled.Add(1)
			return nil
		})
		s.put("x", "y")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
		if handled.Load() != 2 || s.lag() != 0 {
			t.Errorf("handled %d, lag %d", handled.Load(), s.lag())
		}
		if err := s.Publish(t.Context(), "orders", envelope.New("x", nil)); !errors.Is(err, messaging.ErrClosed) || !errors.Is(err, messaging.ErrUnavailable) {
			t.Errorf("publish after close: %v", err)
		}
		if _, err := s.Subscribe(t.Context(), "orders", messaging.HandlerFunc(nil), messaging.Group("g")); !errors.Is(err, messaging.ErrClosed) {
			t.Errorf("subscribe after close: %v", err)
		}
	})
}

func TestRevoked_HandlersOfALostSourceEndAndNothingIsSettledTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		first := true
		s.subscribe(func(ctx context.Context, d *messaging.Delivery) error {
			if first {
				first = false
				<-ctx.Done()
				s.saw("%s#%d %v", d.Data, d.Attempt, context.Cause(ctx))
				return errHandler
			}
			s.saw("%s#%d", d.Data, d.Attempt)
			return nil
		}, messaging.Concurrency(1))
		s.put("a/1", "a/2")
		synctest.Wait()
		s.server.Disconnect()
		synctest.Wait()
		if err := s.Ready(); !errors.Is(err, messaging.ErrUnavailable) {
			t.Errorf("ready while disconnected: %v", err)
		}
		s.server.Reconnect()
		time.Sleep(time.Second)
		s.want("a/1#1 revoked", "a/1#1", "a/2#1")
		if err := s.Ready(); err != nil {
			t.Errorf("ready: %v", err)
		}
		if st := s.Stats(); st.Failed != 0 || st.Handled != 2 {
			t.Errorf("%+v", st)
		}
		if got := s.lag(); got != 0 {
			t.Errorf("lag %d", got)
		}
	})
}

func TestRebalance_HandsPartitionsOverInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		handle := func(who string) messaging.HandlerFunc {
			return func(ctx context.Context, d *messaging.Delivery) error {
				s.saw("%s starts %s", who, d.Data)
				time.Sleep(5 * time.Second)
				s.saw("%s ends %s %v", who, d.Data, context.Cause(ctx))
				return nil
			}
		}
		ordered := messaging.OrderAcrossReplicas(1)
		one := s.subscribe(handle("one"), ordered)
		s.put("a/1", "a/2")
		synctest.Wait()
		other, err := messaging.New(t.Context(), s.server.Connect())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close(t.Context())
		if _, err := other.Subscribe(t.Context(), "orders", handle("two"), messaging.Group("billing"), ordered); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := one.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.want("one starts a/1", "one ends a/1 <nil>", "two starts a/2", "two ends a/2 <nil>")
	})
}

// opening is a driver whose Subscribe waits for its context.
type opening struct {
	driver.Driver
	began chan struct{}
}

func (o opening) Subscribe(ctx context.Context, _ driver.Spec) (driver.Subscription, error) {
	close(o.began)
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestDrain_EndsASubscribeThatIsStillOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		began := make(chan struct{})
		b, err := messaging.New(t.Context(), opening{s.server.Connect(), began})
		if err != nil {
			t.Fatal(err)
		}
		failed := make(chan error, 1)
		go func() {
			_, err := b.Subscribe(t.Context(), "orders", messaging.HandlerFunc(s.note), messaging.Group("g"))
			failed <- err
		}()
		<-began
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-failed; !errors.Is(err, messaging.ErrDraining) {
			t.Errorf("subscribe: %v", err)
		}
	})
}

func TestDrain_SubscribeIsRefusedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(ctx context.Context, _ *messaging.Delivery) error {
			_, err := s.Subscribe(ctx, "other", messaging.HandlerFunc(s.note), messaging.Group("g"))
			s.saw("%v %v", errors.Is(err, messaging.ErrClosed), errors.Is(s.Ready(), messaging.ErrDraining))
			return nil
		}, messaging.Use(func(h messaging.Handler) messaging.Handler {
			return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
				time.Sleep(time.Second)
				return h.Handle(ctx, d)
			})
		}))
		s.put("x")
		synctest.Wait()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.want("true true")
	})
}

func TestDraining_IsToldBeforeTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(ctx context.Context, d *messaging.Delivery) error {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			own, ok := messaging.DeliveryFrom(child)
			<-messaging.Draining(child)
			s.saw("%v %v %v", ctx.Err(), own == d, ok)
			return messaging.Snooze(time.Nanosecond)
		}, messaging.HandlerTimeout(-1))
		s.put("x")
		synctest.Wait()
		start := time.Now()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("close took %v", took)
		}
		s.want("<nil> true true")
		if messaging.Draining(t.Context()) != nil {
			t.Error("a context of nobody drains")
		}
	})
}

// slowEnd is a driver whose subscriptions end only with their context.
type slowEnd struct{ driver.Driver }

func (d slowEnd) Subscribe(ctx context.Context, spec driver.Spec) (driver.Subscription, error) {
	sub, err := d.Driver.Subscribe(ctx, spec)
	return slowEndSubscription{sub}, err
}

type slowEndSubscription struct{ driver.Subscription }

func (s slowEndSubscription) Close(ctx context.Context) error {
	<-ctx.Done()
	return errors.Join(context.Cause(ctx), s.Subscription.Close(context.WithoutCancel(ctx)))
}

// A driver that owes its broker several answers has the time that handlers have left, as far as that is reasonable.
func TestDrain_GivesTheDriverWhatHandlersHaveLeft(t *testing.T) {
	for name, c := range map[string]struct{ within, want time.Duration }{
		"all of the time is left": {25 * time.Second, 5 * time.Second},
		"some is left":            {3 * time.Second, 3 * time.Second},
		"little is left":          {time.Second, 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, memory.Config{})
				b, err := messaging.New(t.Context(), slowEnd{s.server.Connect()})
				if err != nil {
					t.Fatal(err)
				}
				sub, err := b.Subscribe(t.Context(), "orders", messaging.HandlerFunc(s.note), messaging.Group("g"))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), c.within)
				defer cancel()
				start := time.Now()
				if err := sub.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("close: %v", err)
				}
				if took := time.Since(start); took != c.want {
					t.Errorf("the driver had %v, want %v", took, c.want)
				}
				_ = b.Close(t.Context()) // tells the same again
			})
		})
	}
}
