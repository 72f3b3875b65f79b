package messagingtest_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/messagingtest"
)

func TestCharge(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1", Cents: 250}))
		b.Idle()
		if paid := messagingtest.Published(b, "payments", PaymentTaken); !slices.Equal(paid, []Payment{{Order: "o-1"}}) {
			t.Errorf("published %v", paid)
		}
	})
}

func TestCharge_SecondTry(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		tries := 0
		flaky := messaging.On(OrderPlaced, func(context.Context, messaging.Typed[Order]) error {
			if tries++; tries < 6 {
				return errDeclined
			}
			return nil
		})
		began := time.Now()
		b.MustSubscribe("orders", messaging.Route(flaky), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1"}, envelope.ID("e-1")))
		b.Idle()
		var got []int
		for _, a := range b.Attempts("orders", "billing") {
			got = append(got, a.Number)
		}
		if want := []int{1, 2, 3, 4, 5, 6}; !slices.Equal(got, want) {
			t.Errorf("attempts %v, want %v", got, want)
		}
		last := b.Attempts("orders", "billing")[5]
		if want := (messagingtest.Attempt{ID: "e-1", Type: "order.placed", Number: 6, Verdict: messaging.VerdictDone}); last != want {
			t.Errorf("last attempt %+v, want %+v", last, want)
		}
		if took := time.Since(began); took < 10600*time.Millisecond || took > 14*time.Second {
			t.Errorf("idle after %v, want the retries' 10.6 s and at most a quarter more", took)
		}
		if got := messagingtest.Handled(b, "orders", "billing", OrderPlaced); !slices.Equal(got, []Order{{ID: "o-1"}}) {
			t.Errorf("handled %v", got)
		}
	})
}

func TestCharge_Declined(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{ID: "free"}))
		b.Idle()
		dead := messagingtest.Dead(b, "orders", "billing", OrderPlaced)
		want := []messagingtest.Letter[Order]{
			{Value: Order{ID: "free"}, Reason: messaging.ReasonPermanent, Attempts: 1, Error: "card declined"},
		}
		if !slices.Equal(dead, want) {
			t.Errorf("dead %v, want %v", dead, want)
		}
	})
}

func TestCharge_UnderFaults(t *testing.T) {
	messagingtest.Seeds(t, 20, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1", Cents: 250}), OrderPlaced.New(Order{ID: "o-2", Cents: 100}))
		b.Idle()
		paid := messagingtest.Published(b, "payments", PaymentTaken)
		slices.SortFunc(paid, func(a, b Payment) int { return strings.Compare(a.Order, b.Order) })
		if want := []Payment{{Order: "o-1"}, {Order: "o-2"}}; !slices.Equal(paid, want) {
			t.Errorf("published %v, want %v", paid, want)
		}
	})
}

func TestNew_UnexpectedDeadLetterFailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, look := range []struct {
			name string
			at   func(b *messagingtest.Broker)
			want []string
		}{
			{"nothing", func(*messagingtest.Broker) {}, []string{"unexpected dead letter: event e-1 of orders/billing: permanent after 1 attempts: card declined"}},
			{"another group", func(b *messagingtest.Broker) { b.Dead("orders", "audit") }, []string{"unexpected dead letter"}},
			{"another type", func(b *messagingtest.Broker) { messagingtest.Dead(b, "orders", "billing", PaymentTaken) }, []string{"unexpected dead letter"}},
			{"wrong reason", func(b *messagingtest.Broker) { b.ExpectDead("orders", "billing", messaging.ReasonDecode) }, []string{`["permanent"], want ["decode"]`}},
			{"too few", func(b *messagingtest.Broker) { b.ExpectDead("orders", "billing") }, []string{`["permanent"], want []`}},
			{"right reason", func(b *messagingtest.Broker) { b.ExpectDead("orders", "billing", messaging.ReasonPermanent) }, nil},
			{"looked at", func(b *messagingtest.Broker) { b.Dead("orders", "billing") }, nil},
			{"looked at by type", func(b *messagingtest.Broker) { messagingtest.Dead(b, "orders", "billing", OrderPlaced) }, nil},
		} {
			r := watch(t, func(tb messagingtest.TB) {
				b := messagingtest.New(tb)
				b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"))
				b.MustPublish("orders", OrderPlaced.New(Order{ID: "free"}, envelope.ID("e-1")))
				b.Idle()
				look.at(b)
			})
			t.Log(look.name)
			r.want(t, look.want...)
		}
	})
}

func TestNew_DeadLettersOfOneTopicDoNotExcuseAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, func(tb messagingtest.TB) {
			b := messagingtest.New(tb)
			same := OrderPlaced.New(Order{})
			for _, topic := range []string{"orders", "returns"} {
				b.MustSubscribe(topic, messaging.Route(charge(b)), messaging.Group("billing"))
				b.MustPublish(topic, same)
			}
			b.Idle()
			b.ExpectDead("orders", "billing", messaging.ReasonPermanent)
		})
		r.want(t, "of returns/billing: permanent")
	})
}

func TestPublished_IsWhatIsStored(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", handler(func(ctx context.Context, _ *messaging.Delivery) error {
			return b.Publish(ctx, "payments", envelope.Event{Type: "payment.taken"})
		}), messaging.Group("billing"))
		b.MustSubscribe("payments", failing(nil), messaging.Group("ledger"))
		b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.ID("e-1")))
		b.Idle()
		published, handled := b.Published("payments"), b.Handled("payments", "ledger")
		if len(published) != 1 || len(handled) != 1 || published[0].CausationID != "e-1" || published[0].CorrelationID != "e-1" {
			t.Fatalf("published %+v", published)
		}
		if p, h := published[0], handled[0]; p.ID != h.ID || !p.Time.Equal(h.Time) {
			t.Errorf("published %+v\nhandled %+v", p, h)
		}
	})
}

func TestHandled_IsWhatWasDelivered(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", handler(func(_ context.Context, d *messaging.Delivery) error { clear(d.Data); return nil }), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1"}))
		b.Idle()
		for range 2 {
			if got := messagingtest.Handled(b, "orders", "billing", OrderPlaced); !slices.Equal(got, []Order{{ID: "o-1"}}) {
				t.Errorf("handled %v", got)
			}
			clear(b.Handled("orders", "billing")[0].Data) // it is the caller's
		}
	})
}

func TestNew_StuckHandlerFailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		r := watch(t, func(tb messagingtest.TB) {
			b := messagingtest.New(tb)
			b.MustSubscribe("orders", handler(func(context.Context, *messaging.Delivery) error { <-end; return nil }), messaging.Group("billing"))
			b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.ID("e-1")))
			synctest.Wait()
		})
		r.want(t, "close orders: handler of event e-1 (order.placed) still runs")
		close(end)
	})
}

func TestNew_WrongOptionsFailTheTest(t *testing.T) {
	t.Parallel()
	server, err := memory.NewServer(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for want, opts := range map[string][]messagingtest.Option{
		"give them to memory.NewServer": {messagingtest.On(server), messagingtest.Faults(1)},
		"nats":                          {messagingtest.Memory(memory.Config{Like: "nats"})},
		"service name":                  {messagingtest.With(messaging.WithService("not a name"))},
	} {
		r := watch(t, func(tb messagingtest.TB) { messagingtest.New(tb, opts...) })
		r.want(t, want)
	}
}

func TestMustPublish_FailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, func(tb messagingtest.TB) {
			messagingtest.New(tb).MustPublish("orders", OrderPlaced.New(Order{}))
		})
		r.want(t, "publish orders: nothing has subscribed to it yet")
		r = watch(t, func(tb messagingtest.TB) {
			b := messagingtest.New(tb)
			b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
			b.MustPublish("orders", envelope.New("not a type", nil))
		})
		r.want(t, "invalid event")
		r = watch(t, func(tb messagingtest.TB) {
			b := messagingtest.New(tb)
			b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
			b.Server().Refuse("orders", true)
			b.MustPublish("orders", OrderPlaced.New(Order{}))
		})
		r.want(t, "unavailable, not stored")
		r = watch(t, func(tb messagingtest.TB) { messagingtest.New(tb).MustSubscribe("orders", failing(nil)) })
		r.want(t, "subscribe orders")
	})
}

func TestMustPublish_ReachesBroadcastsAndDeclaredGroups(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("prices", failing(nil), messaging.Broadcast())
		b.MustPublish("prices", OrderPlaced.New(Order{ID: "p-1"}))
		b.Idle()
		if got := messagingtest.Handled(b, "prices", "", OrderPlaced); !slices.Equal(got, []Order{{ID: "p-1"}}) {
			t.Errorf("handled %v", got)
		}
	})
	declared := messaging.Config{Topics: []messaging.Topic{{Name: "orders", Groups: []string{"billing"}}}}
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		b.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1"}))
		b.MustSubscribe("orders", failing(nil), messaging.Group("billing"))
		b.Idle()
		if got := messagingtest.Handled(b, "orders", "billing", OrderPlaced); !slices.Equal(got, []Order{{ID: "o-1"}}) {
			t.Errorf("handled %v", got)
		}
	}, messagingtest.With(messaging.WithConfig(declared)))
}

func TestWith_ConfigGovernsUnroutedEvents(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"), messaging.Retry(messagingtest.ShortRetry()))
		b.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1", Cents: 1}))
		b.Idle()
		b.ExpectDead("orders", "billing", messaging.ReasonExhausted)
		if got := b.Published("payments"); len(got) != 0 {
			t.Errorf("published %v", got)
		}
		if got := len(b.Attempts("orders", "billing")); got != 16 {
			t.Errorf("%d attempts, want 16 as by default", got)
		}
	}, messagingtest.With(messaging.WithConfig(messaging.Config{})))
}

func TestMemory_LikeRefusesWhatTheBrokerRefuses(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		_, err := b.Subscribe(t.Context(), "orders", failing(nil), messaging.Group("billing"), messaging.From(messaging.Oldest()))
		if err == nil {
			t.Error("a start in the history is taken")
		}
		b.MustSubscribe("orders", messaging.Route(charge(b)), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1", Cents: 1}), OrderPlaced.New(Order{}))
		b.Idle()
		b.ExpectDead("orders", "billing", messaging.ReasonPermanent)
		if got := messagingtest.Published(b, "payments", PaymentTaken); !slices.Equal(got, []Payment{{Order: "o-1"}}) {
			t.Errorf("published %v", got)
		}
	}, messagingtest.Memory(memory.Config{Like: memory.LikeRabbitMQ}))
}

func TestHooks_AreCalledBesideTheRecords(t *testing.T) {
	var mu sync.Mutex
	told := map[string]int{}
	count := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		told[what]++
	}
	tell := func(what string) func(error) {
		count(what)
		return func(error) { count(what + " done") }
	}
	hooks := messaging.Hooks{
		Publish: func(ctx context.Context, _ string, list []envelope.Event) (context.Context, func(error)) {
			list[0].TraceParent = "traced"
			return ctx, tell("publish")
		},
		Handle: func(ctx context.Context, _ *messaging.Delivery) (context.Context, func(error)) {
			return context.WithValue(ctx, &told, true), tell("handle")
		},
		Retry:      func(*messaging.Delivery, error, time.Duration, bool) { tell("retry") },
		DeadLetter: func(*messaging.DeadLetter) { tell("dead") },
		Discard:    func(*messaging.Delivery, error) { tell("discard") },
	}
	messagingtest.Run(t, func(t *testing.T, b *messagingtest.Broker) {
		b.MustSubscribe("orders", handler(func(ctx context.Context, d *messaging.Delivery) error {
			switch {
			case ctx.Value(&told) == nil:
				t.Error("the hook's context is lost")
			case d.Key == "discard":
				return messaging.Discard(errDeclined)
			case d.Attempt == 2:
				return messaging.Permanent(errDeclined)
			}
			return errDeclined
		}), messaging.Group("billing"))
		b.MustPublish("orders", OrderPlaced.New(Order{}))
		b.Idle()
		b.MustPublish("orders", OrderPlaced.New(Order{}, envelope.Key("discard")))
		b.Idle()
		b.ExpectDead("orders", "billing", messaging.ReasonPermanent)
		if got := b.Published("orders")[0].TraceParent; got != "traced" {
			t.Errorf("recorded trace %q", got)
		}
	}, messagingtest.Hooks(hooks))
	want := map[string]int{"publish": 2, "publish done": 2, "handle": 3, "handle done": 3, "retry": 1, "dead": 1, "discard": 1}
	if !maps.Equal(told, want) {
		t.Errorf("told %v\nwant %v", told, want)
	}
}

func TestOn_SharesAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, err := memory.NewServer(memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		shop, billing := messagingtest.New(t, messagingtest.On(server)), messagingtest.New(t, messagingtest.On(server))
		billing.MustSubscribe("orders", messaging.Route(charge(billing)), messaging.Group("billing"))
		shop.MustSubscribe("payments", failing(nil), messaging.Group("shop"))
		server.Disconnect()
		done := make(chan struct{})
		go func() {
			defer close(done)
			shop.MustPublish("orders", OrderPlaced.New(Order{ID: "o-1", Cents: 1}))
		}()
		synctest.Wait()
		server.Reconnect()
		<-done
		shop.Idle()
		if got := messagingtest.Handled(shop, "payments", "shop", PaymentTaken); !slices.Equal(got, []Payment{{Order: "o-1"}}) {
			t.Errorf("handled %v", got)
		}
	})
}
