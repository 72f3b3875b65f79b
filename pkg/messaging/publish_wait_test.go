package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

func TestPublish_ContextEndedBeforeSendsNothing(t *testing.T) {
	t.Parallel()
	l := &line{answer: stored}
	b := l.broker(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errClient)
	err := b.Publish(ctx, "orders", placed("1", "2")...)
	isOnly(t, err, "unavailable")
	if !errors.Is(err, errClient) || len(failures(t, err)) != 2 || len(l.sent()) != 0 {
		t.Errorf("%v, and %d messages sent", err, len(l.sent()))
	}
}

func TestPublish_ContextEndedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		b := l.broker(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		var err error
		go func() { err = b.Publish(ctx, "orders", placed("stored", "claimed", "waiting", "denied")...) }()
		synctest.Wait()
		sent := l.sent()
		sent[0].Claim()
		sent[0].tell(driver.Stored, nil)
		sent[1].Claim()
		sent[3].tell(driver.Denied, nil)
		cancel(errClient)
		synctest.Wait()

		check := func() {
			t.Helper()
			var got []string
			for _, f := range failures(t, err) {
				got = append(got, f.ID)
				isOnly(t, f.Err, map[string]string{"claimed": "unconfirmed", "waiting": "unavailable", "denied": "denied"}[f.ID])
				if (f.ID != "denied") != errors.Is(f.Err, errClient) {
					t.Errorf("%s: %v", f.ID, f.Err)
				}
			}
			if want := []string{"claimed", "waiting", "denied"}; !reflect.DeepEqual(got, want) {
				t.Errorf("failed %q, want %q", got, want)
			}
		}
		check()
		if sent[2].Claim() {
			t.Error("the driver may still write what was withdrawn")
		}
		sent[1].tell(driver.Stored, nil) // too late: unknown is for ever
		sent[2].tell(driver.Unavailable, driver.ErrWithdrawn)
		check()
	})
}

func TestPublish_LateFateReachesNoOtherCall(t *testing.T) {
	t.Parallel()
	l := &line{}
	b := l.broker(t)
	arrived := make(chan *queued, 1)
	l.arrived = func(q *queued) { arrived <- q }
	publish := func(ctx context.Context) <-chan error {
		result := make(chan error, 1)
		go func() { result <- b.Publish(ctx, "orders", placed("x")...) }()
		return result
	}
	for round := range 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		given := publish(ctx)
		late := <-arrived
		late.Claim()
		var wg sync.WaitGroup
		wg.Go(cancel)
		if round%2 == 0 {
			wg.Go(func() { late.tell(driver.Denied, nil) }) // races with the end of the context
		}
		if err := <-given; !errors.Is(err, messaging.ErrUnconfirmed) && !errors.Is(err, messaging.ErrDenied) {
			t.Fatalf("round %d: %v", round, err)
		}
		next := publish(t.Context())
		q := <-arrived
		if round%2 == 1 {
			wg.Go(func() { late.tell(driver.Denied, nil) }) // races with the next call
		}
		q.Claim()
		q.tell(driver.Stored, nil)
		if err := <-next; err != nil {
			t.Fatalf("round %d: the next call got %v", round, err)
		}
		wg.Wait()
	}
}

func TestPublish_TimesOutWithoutDeadline(t *testing.T) {
	for _, tc := range []struct {
		config   messaging.Config
		deadline time.Duration // of the context; 0 is none
		want     time.Duration
	}{
		{want: 30 * time.Second},
		{config: messaging.Config{PublishTimeout: 5 * time.Second}, want: 5 * time.Second},
		{deadline: time.Minute, want: time.Minute},
		{deadline: time.Second, want: time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := (&line{}).broker(t, messaging.WithConfig(tc.config))
			ctx := t.Context()
			if tc.deadline > 0 {
				limited, cancel := context.WithTimeout(ctx, tc.deadline)
				defer cancel()
				ctx = limited
			}
			start := time.Now()
			err := b.Publish(ctx, "orders", placed("1")...)
			isOnly(t, err, "unavailable")
			if took := time.Since(start); took != tc.want || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v after %v, want a time-out after %v", err, took, tc.want)
			}
		})
	}
}

func TestPublish_WaitsWhileDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error { s.saw("%s", d.Data); return nil })
		s.server.Disconnect()
		start := time.Now()
		var err error
		go func() { err = s.Publish(t.Context(), "orders", envelope.New("order.placed", []byte("waited"))) }()
		time.Sleep(10 * time.Second)

		fast := s.Publisher(messaging.FailFast())
		for range 2 {
			fastErr := fast.Publish(t.Context(), "orders", placed("fast")...)
			isOnly(t, fastErr, "unavailable")
			if !errors.Is(fastErr, driver.ErrDisconnected) || time.Since(start) != 10*time.Second {
				t.Errorf("%v after %v", fastErr, time.Since(start))
			}
		}
		s.want()
		s.server.Reconnect()
		s.want("waited")
		if err != nil {
			t.Errorf("after the reconnect: %v", err)
		}
		if err := fast.Publish(t.Context(), "orders", envelope.New("order.placed", []byte("fast"))); err != nil {
			t.Errorf("fail fast while connected: %v", err)
		}
		s.want("waited", "fast")
	})
}

// What a call gave up leaves room in the driver's queue and is never stored; synctest fails the test for goroutines left behind.
func TestPublish_GivenUpLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{Queue: 2})
		s.subscribe(func(_ context.Context, d *messaging.Delivery) error { s.saw("%s", d.ID); return nil }, messaging.Concurrency(1))
		s.server.Disconnect()
		for round := range 3 {
			var wg sync.WaitGroup
			for i := range 5 { // two find room, three wait for it
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					err := s.Publish(ctx, "orders", placed(fmt.Sprint(round, i))...)
					isOnly(t, err, "unavailable")
				})
			}
			wg.Wait()
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Publish(t.Context(), "orders", placed("last", "two")...); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second)
		s.server.Reconnect()
		wg.Wait()
		s.want("last", "two")
	})
}

func TestPublish_ClosedBrokerIsUnavailable(t *testing.T) {
	t.Parallel()
	b := open(t)
	p := b.Publisher()
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, publisher := range []messaging.Publisher{b, p} {
		err := publisher.Publish(t.Context(), "orders", placed("1")...)
		if isOnly(t, err, "unavailable"); !errors.Is(err, messaging.ErrClosed) {
			t.Errorf("%v", err)
		}
	}
	called := 0
	b.PublishAsync(t.Context(), "orders", placed("1")[0], func(err error) {
		called++
		if isOnly(t, err, "unavailable"); !errors.Is(err, messaging.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
	if called != 1 {
		t.Errorf("done was called %d times", called)
	}
}

func TestPublish_CloseEndsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		s.server.Disconnect()
		results := make(chan error, 2)
		go func() { results <- s.Publish(t.Context(), "orders", placed("1")...) }()
		s.PublishAsync(t.Context(), "orders", placed("2")[0], func(err error) { results <- err })
		synctest.Wait()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err := <-results
			if isOnly(t, err, "unavailable"); !errors.Is(err, messaging.ErrClosed) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestPublish_ReturnsToThePoolWhatHeldNothing(t *testing.T) {
	t.Parallel()
	answers := []driver.Fate{driver.Stored, driver.Denied, driver.Stored}
	l := &line{answer: func(i int, _ *driver.Message) (driver.Fate, error) { return answers[i%3], nil }}
	b := l.broker(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 300 {
				switch events := placed("a", "b", "c")[:n%4]; {
				case n%4 < 2:
					if err := b.Publish(t.Context(), "orders", events...); err != nil {
						t.Errorf("%d events: %v", n%4, err)
					}
				case n%4 == 2, n%4 == 3:
					failed := failures(t, b.Publish(t.Context(), "orders", events...))
					if len(failed) != 1 || failed[0].ID != "b" || failed[0].Index != 1 {
						t.Errorf("%d events: %v", n%4, failed)
					}
				}
			}
		})
	}
	wg.Wait()
}
