package messagingtest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/messagingtest"
)

func TestCharge_Unit(t *testing.T) {
	t.Parallel()
	p := messagingtest.NewPublisher(t)
	err := messagingtest.Handle(t, messaging.Route(charge(p)), OrderPlaced.New(Order{ID: "o-1", Cents: 250}))
	if paid := messagingtest.Published(p, "payments", PaymentTaken); err != nil || !slices.Equal(paid, []Payment{{Order: "o-1"}}) {
		t.Errorf("published %v, %v", paid, err)
	}
}

func TestCharge_UnitWithoutBroker(t *testing.T) {
	t.Parallel()
	p := messagingtest.NewPublisher(t)
	p.FailNext(messaging.ErrUnavailable)
	err := messagingtest.Handle(t, messaging.Route(charge(p)), OrderPlaced.New(Order{ID: "o-1", Cents: 250}))
	if messaging.VerdictOf(err) != messaging.VerdictRetry || !errors.Is(err, messaging.ErrUnavailable) {
		t.Errorf("handler returned %v", err)
	}
}

func TestHandle_DeliversACopyWithItsTrail(t *testing.T) {
	t.Parallel()
	e := OrderPlaced.New(Order{ID: "o-1"}, envelope.ID("e-1"), envelope.WithHeader("shop", "berlin"))
	p := messagingtest.NewPublisher(t)
	var handling context.Context
	h := handler(func(ctx context.Context, d *messaging.Delivery) error {
		if d.Topic != "orders" || d.Group != "billing" || d.Attempt != 3 || d.Redrive != "fix-1" {
			t.Errorf("delivery %+v", d)
		}
		clear(d.Data)
		d.Headers[0].Value = "scribbled"
		handling = ctx //nolint:fatcontext // to see that it ends
		return p.Publish(ctx, "payments", PaymentTaken.New(Payment{}))
	})
	redriven := messagingtest.Deliver(func(d *messaging.Delivery) { d.Redrive = "fix-1" })
	if err := messagingtest.Handle(t, h, e, messagingtest.From("orders", "billing"), messagingtest.AttemptNumber(3), redriven); err != nil {
		t.Error(err)
	}
	if string(e.Data) != `{"ID":"o-1","Cents":0}` || e.Headers.Get("shop") != "berlin" {
		t.Errorf("the event was changed: %s", e.Data)
	}
	if paid := p.Published("payments"); len(paid) != 1 || paid[0].CorrelationID != "e-1" || paid[0].CausationID != "e-1" {
		t.Errorf("published %+v", paid)
	}
	if handling.Err() == nil {
		t.Error("the context outlives the handler")
	}
}

func TestHandle_FirstDelivery(t *testing.T) {
	t.Parallel()
	err := messagingtest.Handle(t, handler(func(ctx context.Context, d *messaging.Delivery) error {
		trail, _ := envelope.TrailFrom(ctx)
		if d.Attempt != 1 || d.Topic != "test" || d.Group != "test" || trail != (envelope.Trail{CorrelationID: "c-1", CausationID: d.ID}) || ctx.Err() != nil {
			t.Errorf("delivery %+v, trail %+v", d, trail)
		}
		return errDeclined
	}), OrderPlaced.New(Order{}, envelope.Correlation("c-1")))
	if !errors.Is(err, errDeclined) {
		t.Errorf("handler's error is %v", err)
	}
}

func TestHandle_ContextEndsAsWithABroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := handler(func(ctx context.Context, _ *messaging.Delivery) error { <-ctx.Done(); return context.Cause(ctx) })
		began := time.Now()
		if err := messagingtest.Handle(t, wait, OrderPlaced.New(Order{}), messagingtest.Timeout(time.Minute)); !errors.Is(err, messaging.ErrHandlerTimeout) {
			t.Errorf("ended by %v", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("ended after %v", took)
		}
		if err := messagingtest.Handle(t, wait, OrderPlaced.New(Order{}), messagingtest.Interrupted(messaging.ErrDraining)); !errors.Is(err, messaging.ErrDraining) {
			t.Errorf("ended by %v", err)
		}
	})
}

func TestHandle_EventThatCantBePublishedFailsTheTest(t *testing.T) {
	t.Parallel()
	r := watch(t, func(tb messagingtest.TB) {
		_ = messagingtest.Handle(tb, failing(nil), messaging.Define[chan int]("a", "1").New(nil))
	})
	r.want(t, "handle: ")
}

func TestPublisher_EachFateIsHonest(t *testing.T) {
	t.Parallel()
	for _, fate := range []error{messaging.ErrDenied, messaging.ErrUnavailable, messaging.ErrUnconfirmed, messaging.ErrUnrouted, messaging.ErrTooLarge} {
		p := messagingtest.NewPublisher(t)
		p.FailNext(nil)
		p.FailNext(fate)
		for i, want := range []error{nil, fate, nil} {
			err := p.Publish(t.Context(), "orders", OrderPlaced.New(Order{}), OrderPlaced.New(Order{}))
			var failed *messaging.PublishError
			if !errors.Is(err, want) || (want != nil) != errors.As(err, &failed) || failed != nil && (len(failed.Failed) != 2 || failed.Total != 2) {
				t.Errorf("call %d: %v, want %v", i, err, want)
			}
		}
		if got := len(p.Published("orders")); got != 4 {
			t.Errorf("%d events recorded, want the 4 that were stored", got)
		}
	}
}

func TestPublisher_MixedFatesAreNamedEach(t *testing.T) {
	t.Parallel()
	p := messagingtest.NewPublisher(t)
	p.FailIf(func(topic string, e envelope.Event) error {
		if topic != "orders" || e.CausationID != "cause" {
			t.Errorf("asked about %s %+v", topic, e)
		}
		switch e.ID {
		case "away":
			return messaging.ErrUnavailable
		case "odd":
			return errDeclined
		}
		return nil
	})
	ctx := envelope.WithTrail(t.Context(), envelope.Trail{CausationID: "cause"})
	err := p.Publish(ctx, "orders",
		envelope.New("a", nil, envelope.ID("good")), envelope.New("a", nil, envelope.ID("away")),
		envelope.New("a", nil, envelope.ID("odd")), envelope.New("not a type", nil, envelope.ID("bad")))
	var failed *messaging.PublishError
	if !errors.As(err, &failed) || len(failed.Failed) != 3 || failed.Topic != "orders" {
		t.Fatalf("published: %v", err)
	}
	want := []struct {
		index int
		id    string
		err   error
	}{{1, "away", messaging.ErrUnavailable}, {2, "odd", messaging.ErrUnconfirmed}, {3, "bad", messaging.ErrInvalid}}
	for i, w := range want {
		if f := failed.Failed[i]; f.Index != w.index || f.ID != w.id || !errors.Is(f.Err, w.err) {
			t.Errorf("fate %d: %+v, want %+v", i, f, w)
		}
	}
	if errors.Is(err, messaging.ErrUnavailable) || !errors.Is(failed.Failed[1].Err, errDeclined) {
		t.Errorf("%v: the mixed batch has one fate, or a cause is lost", err)
	}
	if got := p.Published("orders"); len(got) != 1 || got[0].ID != "good" {
		t.Errorf("recorded %+v", got)
	}
}

func TestPublisher_EndedContextIsUnavailable(t *testing.T) {
	t.Parallel()
	p := messagingtest.NewPublisher(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(messaging.ErrDraining)
	err := p.Publish(ctx, "orders", OrderPlaced.New(Order{}))
	if !errors.Is(err, messaging.ErrUnavailable) || !errors.Is(err, messaging.ErrDraining) {
		t.Errorf("published: %v", err)
	}
	if err := p.Publish(ctx, "orders"); err != nil {
		t.Errorf("publishing nothing: %v", err)
	}
}

func TestPublished_EachIDOnceAndOnlyItsDefinition(t *testing.T) {
	t.Parallel()
	r := watch(t, func(tb messagingtest.TB) {
		p := messagingtest.NewPublisher(tb)
		twice := OrderPlaced.New(Order{ID: "o-1"})
		second := messaging.Define[Order]("order.placed", "2").New(Order{ID: "o-2"})
		broken := envelope.New("order.placed", []byte(`{"ID":7}`), envelope.Version("1.0"))
		if err := p.Publish(t.Context(), "orders", twice, twice, second, PaymentTaken.New(Payment{}), broken); err != nil {
			t.Error(err)
		}
		if got := messagingtest.Published(p, "orders", OrderPlaced); !slices.Equal(got, []Order{{ID: "o-1"}}) {
			t.Errorf("published %v", got)
		}
		if got := p.Published("orders"); len(got) != 4 {
			t.Errorf("published %v", got)
		}
	})
	r.want(t, "json: cannot unmarshal number")
}
