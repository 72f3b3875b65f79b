package messaging_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/pkg/driver"
)

func TestPublishAsync_CallsOfOneContextShareItsWatch(t *testing.T) {
	t.Parallel()
	watched := &counting{Context: t.Context(), done: make(chan struct{})}
	l := &line{}
	b := l.broker(t)
	for i := range 5 {
		b.PublishAsync(watched, "orders", keyed(fmt.Sprint(i), ""), nil)
	}
	if n := watched.ever.Load(); n != 1 {
		t.Errorf("%d watches of one context, want one", n)
	}
	for i, at := range []int{2, 0, 4, 1, 3} { // in no order
		if n := watched.waiting.Load(); n != 1 {
			t.Errorf("%d watches with %d calls under way, want one", n, 5-i)
		}
		l.sent()[at].tell(driver.Stored, nil)
	}
	if n := watched.waiting.Load(); n != 0 {
		t.Errorf("%d watches are left", n)
	}
}

func TestPublishAsync_AllCallsEndWithTheirContextOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		b := l.broker(t)
		var o outcomes
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 4 {
			b.PublishAsync(ctx, "orders", keyed(fmt.Sprint(i), ""), o.of(fmt.Sprint(i)))
			b.PublishAsync(t.Context(), "orders", keyed("other", ""), o.of("other"))
		}
		l.sent()[2].tell(driver.Stored, nil)
		l.sent()[4].Claim()
		cancel()
		synctest.Wait()
		o.want(t, "1: stored", "0: unavailable", "2: unconfirmed", "3: unavailable")
		b.PublishAsync(ctx, "orders", keyed("late", ""), o.of("late"))
		o.want(t, "1: stored", "0: unavailable", "2: unconfirmed", "3: unavailable", "late: unavailable")
	})
}

func TestPublishAsync_AnEndedContextSparesTheNextEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		b := l.broker(t)
		var o outcomes
		ctx, cancel := context.WithCancel(t.Context())
		next := func(err error) {
			o.of("1")(err)
			l.sent()[1].tell(driver.Stored, nil) // so that what it was carried by is free for the next
			b.PublishAsync(t.Context(), "orders", keyed("3", ""), o.of("3"))
		}
		b.PublishAsync(ctx, "orders", keyed("1", ""), next)
		b.PublishAsync(ctx, "orders", keyed("2", ""), o.of("2"))
		cancel()
		synctest.Wait()
		o.want(t, "1: unavailable", "2: stored")
		l.sent()[2].tell(driver.Stored, nil)
		o.want(t, "1: unavailable", "2: stored", "3: stored")
	})
}
