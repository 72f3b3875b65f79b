package messaging_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
	"github.com/herald-go/herald/pkg/messaging"
)

func TestOrdered_FailedKeyFailsItsLaterEventsUntilResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		p := l.broker(t).Publisher(messaging.Ordered())
		var o outcomes
		for _, e := range []struct{ id, key string }{{"a1", "a"}, {"a2", "a"}, {"b1", "b"}, {"a3", "a"}, {"u1", ""}} {
			p.PublishAsync(t.Context(), "orders", keyed(e.id, e.key), o.of(e.id))
		}
		p.PublishAsync(t.Context(), "parcels", keyed("other topic", "a"), o.of("other topic"))
		sent := l.sent()
		sent[0].Claim()
		sent[1].Claim() // too far gone to be held back
		sent[0].tell(driver.Unavailable, errClient)
		o.want(t, "a3: unavailable", "a1: unavailable") // what waits behind goes first
		if sent[3].Claim() {
			t.Error("a3 may be written behind a hole")
		}
		for _, i := range []int{1, 2, 4, 5} {
			if !sent[i].Claim() {
				t.Errorf("%s was held back", sent[i].ID)
			}
			sent[i].tell(driver.Stored, nil)
		}
		o.want(t, "a3: unavailable", "a1: unavailable", "a2: stored", "b1: stored", "u1: stored", "other topic: stored")

		o.got = nil
		p.PublishAsync(t.Context(), "orders", keyed("a4", "a"), o.of("a4"))
		o.of("a5")(p.Publish(t.Context(), "orders", keyed("a5", "a")))
		o.want(t, "a4: unavailable", "a5: unavailable")
		if n := len(l.sent()); n != len(sent) {
			t.Errorf("%d messages of a stopped key were sent", n-len(sent))
		}
		p.Resume("orders", "a")
		p.PublishAsync(t.Context(), "orders", keyed("a6", "a"), o.of("a6"))
		l.sent()[len(sent)].tell(driver.Stored, nil)
		o.want(t, "a4: unavailable", "a5: unavailable", "a6: stored")
	})
}

// Whatever way an event fails stops its key: an outcome of the broker, a check before it is sent, an end of its context.
func TestOrdered_EveryFailureStopsTheKey(t *testing.T) {
	gone := func(t *testing.T) context.Context {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return ctx
	}
	soon := func(t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		t.Cleanup(cancel)
		return ctx
	}
	live := func(t *testing.T) context.Context { return t.Context() }
	invalid := envelope.Event{ID: "1", Key: "a"}
	for name, tc := range map[string]struct {
		ctx   func(*testing.T) context.Context
		event envelope.Event
		fate  driver.Fate // 0 is none
	}{
		"refused":     {live, keyed("1", "a"), driver.Denied},
		"unconfirmed": {live, keyed("1", "a"), driver.Unconfirmed},
		"invalid":     {live, invalid, driver.Stored},
		"late":        {gone, keyed("1", "a"), driver.Stored},
		"timed out":   {soon, keyed("1", "a"), 0},
	} {
		for _, async := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				l := &line{}
				l.arrived = func(q *queued) {
					fate := tc.fate
					if q.ID != "1" {
						fate = driver.Stored
					}
					if fate != 0 {
						q.tell(fate, nil)
					}
				}
				p := l.broker(t).Publisher(messaging.Ordered())
				var o outcomes
				if async {
					p.PublishAsync(tc.ctx(t), "orders", tc.event, o.of("1"))
				} else {
					o.of("1")(p.Publish(tc.ctx(t), "orders", tc.event))
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				o.got = nil
				o.of("a")(p.Publish(t.Context(), "orders", keyed("2", "a")))
				o.of("b")(p.Publish(t.Context(), "orders", keyed("3", "b")))
				o.of("")(p.Publish(t.Context(), "orders", keyed("4", "")))
				p.Resume("orders", "a")
				o.of("a")(p.Publish(t.Context(), "orders", keyed("5", "a")))
				o.want(t, "a: unavailable", "b: stored", ": stored", "a: stored")
				if t.Failed() {
					t.Errorf("%s, async %v", name, async)
				}
			})
		}
	}
}

func TestOrdered_BatchHasNoHoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{answer: func(_ int, m *driver.Message) (driver.Fate, error) {
			if m.ID == "a2" {
				return driver.Unavailable, errClient
			}
			return driver.Stored, nil
		}}
		p := l.broker(t).Publisher(messaging.Ordered())
		err := p.Publish(t.Context(), "orders", keyed("a1", "a"), keyed("a2", "a"), keyed("b1", "b"), keyed("a3", "a"),
			envelope.Event{ID: "b2", Key: "b"}, keyed("b3", "b"), keyed("u1", ""), envelope.Event{ID: "u2"}, keyed("u3", ""))
		var o outcomes
		for _, f := range failures(t, err) {
			o.of(f.ID)(f.Err)
		}
		o.want(t, "a2: unavailable", "a3: unavailable", "b2: invalid", "b3: unavailable", "u2: invalid")
	})
}

// A synchronous call that waits behind an asynchronous one of its key is taken back with it.
func TestOrdered_FailureReachesSynchronousCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{}
		p := l.broker(t).Publisher(messaging.Ordered())
		var o outcomes
		p.PublishAsync(t.Context(), "orders", keyed("a1", "a"), o.of("a1"))
		var err error
		go func() { err = p.Publish(t.Context(), "orders", keyed("b1", "b"), keyed("a2", "a")) }()
		synctest.Wait()
		sent := l.sent()
		sent[0].tell(driver.Denied, nil)
		if !sent[1].Claim() || sent[2].Claim() {
			t.Error("a2 may be written behind a hole, or b1 may not")
		}
		sent[1].tell(driver.Stored, nil)
		time.Sleep(time.Hour) // the driver never gets to a2
		synctest.Wait()
		failed := failures(t, err)
		if len(failed) != 1 || failed[0].ID != "a2" {
			t.Fatalf("%v", err)
		}
		isOnly(t, err, "unavailable")
		sent[2].tell(driver.Unavailable, driver.ErrWithdrawn)
	})
}
