package messagingtest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/messagingtest"
)

// inTime bounds Idle in real time, where a machine may stand still for longer than the default.
var inTime = messagingtest.Within(time.Minute)

// chain publishes each event of a topic under the next.
func chain(b *messagingtest.Broker, topics ...string) {
	for i, topic := range topics {
		b.MustSubscribe(topic, handler(func(ctx context.Context, d *messaging.Delivery) error {
			if i+1 == len(topics) {
				return nil
			}
			return b.Publish(ctx, topics[i+1], d.Event)
		}), messaging.Group("g"))
	}
}

func TestIdle_WaitsForWhatHandlersPublish(t *testing.T) {
	// Topics are counted in the order of their names, so the events run against it.
	topics := []string{"d", "c", "b", "a"}
	check := func(t *testing.T, b *messagingtest.Broker) {
		t.Helper()
		chain(b, topics...)
		for i := range 50 {
			b.MustPublish("d", OrderPlaced.New(Order{ID: fmt.Sprint(i)}))
			b.Idle()
			if got := len(b.Handled("a", "g")); got != i+1 {
				t.Fatalf("idle with %d of %d events handled", got, i+1)
			}
		}
	}
	t.Run("virtual", func(t *testing.T) { messagingtest.Run(t, check) })
	t.Run("real", func(t *testing.T) { check(t, messagingtest.New(t, inTime)) })
}

func TestIdle_IsNotFooledByEventsThatMoveWhileItCounts(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t, inTime)
	other := map[string]string{"a": "z", "z": "a"}
	for topic := range other {
		b.MustSubscribe(topic, messaging.Route(messaging.On(OrderPlaced, func(ctx context.Context, e messaging.Typed[Order]) error {
			if e.Value.Cents == 0 {
				return nil
			}
			return b.Publish(ctx, other[e.Topic], OrderPlaced.New(Order{Cents: e.Value.Cents - 1}))
		})), messaging.Group("g"))
	}
	for i := range 300 { // much to count between the two
		if err := b.Publish(t.Context(), fmt.Sprint("m", i), OrderPlaced.New(Order{})); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		b.MustPublish("z", OrderPlaced.New(Order{Cents: 100}))
		b.Idle()
		if got, want := len(b.Handled("z", "g")), 51*(i+1); got != want {
			t.Fatalf("idle with %d of %d events handled", got, want)
		}
	}
}

func TestIdle_WaitsForEveryWayToComeAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		first error
		when  messaging.WhenLater
	}{
		"quick":       {errDeclined, messaging.Overtake},
		"retry after": {messaging.RetryAfter(time.Hour, errDeclined), messaging.Overtake},
		"block":       {messaging.RetryAfter(time.Hour, errDeclined), messaging.Block},
		"snooze":      {messaging.Snooze(2 * time.Hour), messaging.Overtake},
		"snooze here": {messaging.Snooze(time.Second), messaging.Overtake},
		"release":     {messaging.Release(), messaging.Overtake},
	} {
		t.Run(name, func(t *testing.T) {
			messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
				first := true
				b.MustSubscribe("orders", handler(func(_ context.Context, d *messaging.Delivery) error {
					if first && d.ID == "e-1" {
						first = false
						return tc.first
					}
					return nil
				}), messaging.Group("billing"), messaging.Retry(messaging.RetryPolicy{WhenLater: tc.when}))
				b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.ID("e-1"), envelope.Key("k")), OrderPlaced.New(Order{}, envelope.ID("e-2"), envelope.Key("k")))
				b.Idle()
				if got := b.Handled("orders", "billing"); len(got) != 2 {
					t.Errorf("idle with %d events of 2 handled", len(got))
				}
			})
		})
	}
}

func TestIdle_WaitsForDeliverAtAndBroadcasts(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		first := true
		b.MustSubscribe("orders", handler(func(context.Context, *messaging.Delivery) error {
			if first {
				first = false
				return errDeclined
			}
			return nil
		}), messaging.Broadcast(), messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{time.Second}}))
		b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
		at := time.Now().Add(3 * time.Hour)
		b.MustPublish("orders", OrderPlaced.New(Order{ID: "late"}, envelope.DeliverAt(at)))
		b.Idle()
		if len(b.Handled("orders", "billing")) != 1 || len(b.Handled("orders", "")) != 1 {
			t.Errorf("idle with %v", b.Attempts("orders", ""))
		}
		if time.Now().Before(at) || time.Since(at) > 2*time.Second {
			t.Errorf("idle %v after it was due", time.Since(at))
		}
	})
}

func TestIdle_BroadcastThatExpiresBeforeItsRetryIsFinished(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		began := time.Now()
		b.MustSubscribe("orders", failing(errDeclined), messaging.Broadcast(), messaging.Retry(messaging.RetryPolicy{Quick: []time.Duration{time.Second}}))
		b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.ExpiresAt(began.Add(500*time.Millisecond))))
		b.Idle()
		if took := time.Since(began); took < time.Second || took > 1300*time.Millisecond {
			t.Errorf("idle after %v", took)
		}
	})
}

func TestIdle_SkippedAndDroppedEventsAreFinished(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		began := time.Now()
		b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"))
		b.MustPublish("orders", PaymentTaken.New(Payment{}))
		if err := b.Publish(t.Context(), "nobody", PaymentTaken.New(Payment{})); err != nil {
			t.Error(err)
		}
		b.Idle()
		if time.Since(began) != 0 || len(b.Attempts("orders", "billing")) != 0 || len(b.Published("nobody")) != 1 {
			t.Errorf("idle after %v, %v", time.Since(began), b.Attempts("orders", "billing"))
		}
	})
}

func TestIdle_FailsTheTestWithWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, func(tb messagingtest.TB) {
			b := messagingtest.New(tb, messagingtest.Within(time.Minute))
			sub := b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
			if err := sub.Close(t.Context()); err != nil {
				t.Error(err)
			}
			b.MustPublish("orders", OrderPlaced.New(Order{}))
			b.Idle()
		})
		r.want(t, "not idle after 1m0s:\n  orders/billing: 1 not finished, 0 in the inbox; nobody is subscribed")

		r = watch(t, func(tb messagingtest.TB) {
			b := messagingtest.New(tb, messagingtest.Within(time.Minute))
			b.MustSubscribe("orders", handler(func(ctx context.Context, _ *messaging.Delivery) error { <-ctx.Done(); return nil }),
				messaging.Group("billing"), messaging.HandlerTimeout(-1))
			b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.ID("e-1")))
			b.Idle()
		})
		r.want(t, "orders/billing: the handler of order.placed e-1, attempt 1, runs for 1m0s")

		r = watch(t, func(tb messagingtest.TB) {
			b := messagingtest.New(tb, messagingtest.Within(time.Minute))
			b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
			b.Server().Disconnect()
			b.Idle()
		})
		r.want(t, "the broker is away")

		r = watch(t, func(tb messagingtest.TB) {
			b := messagingtest.New(tb)
			if err := b.Close(t.Context()); err != nil {
				t.Error(err)
			}
			b.Idle()
		})
		r.want(t, "idle: live: ")
	})
}

func TestIdle_EventGivenBackForEverFailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, func(tb messagingtest.TB) {
			b := messagingtest.New(tb, messagingtest.Within(time.Second))
			b.MustSubscribe("orders", failing(messaging.Release()), messaging.Group("billing"))
			b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.ID("e-1")))
			b.Idle()
		})
		r.want(t, "order.placed e-1 of orders/billing was tried 10000 times", "not idle after 1s")
	})
}

func TestIdle_InRealTimeFailsAtOnceForWhatIsDueTooLate(t *testing.T) {
	t.Parallel()
	began := time.Now()
	r := watch(t, func(tb messagingtest.TB) {
		b := messagingtest.New(tb, inTime)
		b.MustSubscribe("orders", failing(messaging.RetryAfter(time.Hour, errDeclined)), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.ID("e-1")))
		b.Idle()
	})
	r.want(t, "time is real here; use Run, or shorter delays:\n  orders/billing: 0 not finished, 1 in the inbox\n  orders/billing: order.placed e-1 waits ")
	if took := time.Since(began); took > 40*time.Second {
		t.Errorf("took %v", took)
	}
	r = watch(t, func(tb messagingtest.TB) {
		b := messagingtest.New(tb, inTime)
		b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.DeliverAt(time.Now().Add(time.Hour))))
		b.Idle()
	})
	r.want(t, "events to be delivered later: 1, the first in 59m")
}

func TestIdle_InRealTimeWaitsForShortRetries(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t, inTime)
	b.MustSubscribe("orders", failing(errDeclined), messaging.Group("billing"), messaging.Retry(messagingtest.ShortRetry()))
	b.MustPublish("orders", OrderPlaced.New(Order{}))
	b.Idle()
	b.ExpectDead("orders", "billing", messaging.ReasonExhausted)
	if got := len(b.Attempts("orders", "billing")); got != 16 {
		t.Errorf("%d attempts, want 16", got)
	}
}

func TestIdle_InRealTimeFailsAtItsBound(t *testing.T) {
	t.Parallel()
	begun, end := make(chan struct{}), make(chan struct{})
	r := watch(t, func(tb messagingtest.TB) {
		b := messagingtest.New(tb, messagingtest.Within(50*time.Millisecond))
		b.MustSubscribe("orders", handler(func(context.Context, *messaging.Delivery) error {
			close(begun)
			<-end
			return nil
		}), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.ID("e-1")))
		defer close(end)
		<-begun
		b.Idle()
	})
	r.want(t, "the handler of order.placed e-1, attempt 1, runs for ")
}

func TestAttempts_OfABatchHaveTheirOwnVerdicts(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		h := messaging.HandleBatch(func(_ context.Context, batch []*messaging.Delivery) error {
			failed := map[int]error{}
			for i, d := range batch {
				if d.Attempt == 1 && d.ID == "e-2" {
					failed[i] = messaging.RetryAfter(time.Minute, errDeclined)
				}
			}
			if len(failed) == 0 {
				return nil
			}
			return &messaging.BatchError{Failed: failed}
		}, messaging.BatchOptions{Size: 3})
		b.MustSubscribe("orders", h, messaging.Group("billing"), messaging.Concurrency(1))
		for _, id := range []string{"e-1", "e-2", "e-3"} {
			b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.ID(id)))
		}
		b.Idle()
		got := b.Attempts("orders", "billing")
		want := []messagingtest.Attempt{
			{ID: "e-1", Type: "order.placed", Number: 1},
			{ID: "e-2", Type: "order.placed", Number: 1, Verdict: messaging.VerdictRetryAfter, Error: "card declined"},
			{ID: "e-3", Type: "order.placed", Number: 1},
			{ID: "e-2", Type: "order.placed", Number: 2},
		}
		if !slices.Equal(got, want) {
			t.Errorf("attempts %+v\nwant %+v", got, want)
		}
	})
}
