package messagingtest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/messagingtest"
)

// outcome runs twenty events through a handler under a seed and tells what it saw.
func outcome(t messagingtest.TB, seed uint64, derive bool) (paid int, repeated bool) {
	b := messagingtest.New(t, messagingtest.Faults(seed))
	b.MustSubscribe("orders", messaging.Route(messaging.On(OrderPlaced, func(ctx context.Context, e messaging.Typed[Order]) error {
		var opts []envelope.Option
		if derive {
			opts = append(opts, envelope.DerivedFrom(e.Event))
		}
		return b.Publish(ctx, "payments", PaymentTaken.New(Payment{Order: e.Value.ID}, opts...))
	})), messaging.Group("billing"))
	b.MustSubscribe("payments", failing(nil), messaging.Group("ledger"))
	for i := range 20 {
		b.MustPublish("orders", OrderPlaced.New(Order{ID: fmt.Sprint(i)}))
	}
	b.Idle()
	return len(messagingtest.Published(b, "payments", PaymentTaken)), len(b.Attempts("orders", "billing")) > 20
}

func TestFaults_HandlersThatDeriveTheirIDsComeOutTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		repeats, doubles := 0, 0
		for seed := range uint64(10) {
			paid, repeated := outcome(t, seed, true)
			if paid != 20 {
				t.Errorf("seed %d: %d payments, want 20", seed, paid)
			}
			if repeated {
				repeats++
			}
			if paid, _ := outcome(t, seed, false); paid > 20 {
				doubles++
			}
		}
		if repeats < 8 || doubles < 8 {
			t.Errorf("of 10 seeds %d repeated an event and %d showed new ids at each attempt", repeats, doubles)
		}
	})
}

func TestFaults_KeepTheOrderOfAKey(t *testing.T) {
	messagingtest.Seeds(t, 10, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
		var want []Order
		for i := range 10 {
			want = append(want, Order{Cents: i})
			b.MustPublish("orders", OrderPlaced.New(want[i], envelope.Key("k")))
		}
		b.Idle()
		if got := messagingtest.Handled(b, "orders", "billing", OrderPlaced); !slices.Equal(got, want) {
			t.Errorf("handled %v", got)
		}
	})
}

func TestFaults_FailedTestTellsTheSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fail := range []bool{true, false} {
			r := watch(t, func(tb messagingtest.TB) {
				messagingtest.New(tb, messagingtest.Faults(4711))
				if fail {
					tb.Errorf("boom")
				}
			})
			if told := strings.Contains(strings.Join(r.logs, "\n"), "Faults(4711)"); told != fail {
				t.Errorf("failed: %v, logs %q", fail, r.logs)
			}
		}
	})
}

func TestFaults_EventsWithoutAnIDKeepTheOneTheyGet(t *testing.T) {
	messagingtest.Seeds(t, 10, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
		for range 20 {
			b.MustPublish("orders", envelope.Event{Type: "order.placed"})
		}
		b.Idle()
		if got := len(b.Handled("orders", "billing")); got != 20 {
			t.Errorf("%d events handled, want 20", got)
		}
	})
}

func TestFaults_DeliverWhatWasFinishedOnceMore(t *testing.T) {
	again := 0
	messagingtest.Seeds(t, 10, func(_ *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", handler(func(_ context.Context, d *messaging.Delivery) error {
			if d.Deliveries > 1 {
				again++
			}
			return nil
		}), messaging.Group("billing"), messaging.Concurrency(1))
		for range 10 {
			b.MustPublish("orders", OrderPlaced.New(Order{}))
		}
		b.Idle()
	})
	if again < 10 {
		t.Errorf("%d deliveries of 100 events were not the first", again)
	}
}

func TestSeeds_RunsEachSeedOnce(t *testing.T) {
	var mu sync.Mutex
	var names []string
	calls := map[string]int{}
	count := func(ctx context.Context, topic string, _ []envelope.Event) (context.Context, func(error)) {
		mu.Lock()
		defer mu.Unlock()
		calls[topic]++
		return ctx, nil
	}
	messagingtest.Seeds(t, 3, func(t *testing.T, b *messagingtest.Broker) {
		names = append(names, t.Name())
		b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
		for range 50 {
			b.MustPublish("orders", OrderPlaced.New(Order{}))
		}
		b.Idle()
		calls[t.Name()] = calls["orders"]
		delete(calls, "orders")
	}, messagingtest.Hooks(messaging.Hooks{Publish: count}))
	prefix := "TestSeeds_RunsEachSeedOnce/seed="
	if want := []string{prefix + "0", prefix + "1", prefix + "2"}; !slices.Equal(names, want) {
		t.Errorf("ran %q, want %q", names, want)
	}
	if a, b, c := calls[prefix+"0"], calls[prefix+"1"], calls[prefix+"2"]; a == b && b == c || min(a, b, c) <= 50 {
		t.Errorf("50 events took %d, %d and %d calls: the seeds do not differ", a, b, c)
	}
}
