package messaging_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// order is what the typed tests carry.
type order struct {
	ID    string `json:"id"`
	Cents int    `json:"cents"`
}

var (
	orderPlaced  = messaging.Define[order]("order.placed", "1")
	orderPlaced2 = messaging.Define[order]("order.placed", "2")
)

// nothing handles whatever comes.
var nothing = messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error { return nil })

// named returns a handler that notes its name.
func named(into *[]string, name string) messaging.Handler {
	return messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		*into = append(*into, name)
		return nil
	})
}

func TestRoute_PicksByTypeAndVersion(t *testing.T) {
	t.Parallel()
	var seen []string
	typed := func(name string) func(context.Context, messaging.Typed[order]) error {
		return func(context.Context, messaging.Typed[order]) error { seen = append(seen, name); return nil }
	}
	r := messaging.Route(
		messaging.OnType("order.#", named(&seen, "any order")),
		messaging.OnType("*.paid", named(&seen, "any paid")),
		messaging.On(orderPlaced, typed("placed 1")),
		messaging.On(orderPlaced2, typed("placed 2")),
		messaging.OnType("order.lost", named(&seen, "lost")),
	)
	for _, tc := range []struct{ typ, version, want string }{
		{"order.placed", "1", "placed 1"},
		{"order.placed", "1.0", "placed 1"},
		{"order.placed", "", "placed 1"},
		{"order.placed", "2", "placed 2"},
		{"order.lost", "7", "lost"},
		{"order.paid", "1", "any order"}, // the first pattern that matches
		{"invoice.paid", "1", "any paid"},
	} {
		seen = nil
		err := r.Handle(t.Context(), &messaging.Delivery{Event: envelope.Event{Type: tc.typ, Version: tc.version, Data: []byte(`{}`)}})
		if err != nil || !reflect.DeepEqual(seen, []string{tc.want}) {
			t.Errorf("%s version %q: handled by %q, %v, want %q", tc.typ, tc.version, seen, err, tc.want)
		}
	}
	for _, d := range []envelope.Event{{Type: "order.placed", Version: "3"}, {Type: "invoice.sent"}} {
		seen = nil
		if err := r.Handle(t.Context(), &messaging.Delivery{Event: d}); err == nil || seen != nil {
			t.Errorf("%s version %s: handled by %q, %v", d.Type, d.Version, seen, err)
		}
	}
	want := []string{"*.paid", "order.#", "order.lost", "order.placed"}
	types := r.Types()
	if !reflect.DeepEqual(types, want) {
		t.Errorf("types %q, want %q", types, want)
	}
	types[0] = "changed"
	if again := r.Types(); !reflect.DeepEqual(again, want) {
		t.Errorf("the caller has changed the router's types to %q", again)
	}
}

func TestRoute_BadRoutersAreRefused(t *testing.T) {
	t.Parallel()
	b := open(t)
	on := func(d messaging.Definition[order]) messaging.Binding {
		return messaging.On(d, func(context.Context, messaging.Typed[order]) error { return nil })
	}
	for name, tc := range map[string]struct {
		router *messaging.Router
		want   string
	}{
		"none":           {messaging.Route(), "the router has no bindings"},
		"same version":   {messaging.Route(on(orderPlaced), on(messaging.Define[order]("order.placed", "1.0"))), "two handlers for version 1.0 of order.placed"},
		"all versions":   {messaging.Route(on(orderPlaced), messaging.OnType("order.placed", nothing)), "two handlers for order.placed, one of them for all versions"},
		"same pattern":   {messaging.Route(messaging.OnType("order.*", nothing), messaging.OnType("order.*", nothing)), "two handlers for order.*"},
		"nil handler":    {messaging.Route(messaging.OnType("order.placed", nil)), "the handler of order.placed is nil"},
		"nil func":       {messaging.Route(messaging.OnType("order.*", messaging.HandlerFunc(nil))), "the handler of order.* is nil"},
		"nil typed":      {messaging.Route(messaging.On[order](orderPlaced, nil)), "the handler of order.placed is nil"},
		"defined widely": {messaging.Route(on(messaging.Define[order]("order.*", "1"))), "order.* is a pattern; bind it with OnType"},
		"bad type":       {messaging.Route(messaging.OnType("order placed", nothing)), "not allowed in a type"},
		"no type":        {messaging.Route(messaging.OnType("", nothing)), "must have 1 to 255 characters"},
	} {
		_, err := b.Subscribe(t.Context(), "orders", tc.router, messaging.Group("g"))
		refused(t, name, err, messaging.ErrInvalid, tc.want)
	}
	if _, err := b.Subscribe(t.Context(), "orders", messaging.Route(on(orderPlaced), on(orderPlaced2)), messaging.Group("g")); err != nil {
		t.Errorf("two versions: %v", err)
	}
}

// The bindings' types are the group's filter, unless Types says otherwise.
func TestRoute_TypesAreTheFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		note := messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error { s.saw("%s %s", d.Group, d.Type); return nil })
		router := messaging.Route(messaging.OnType("order.*", note))
		for group, opts := range map[string][]messaging.SubscribeOption{"bound": nil, "wider": {messaging.Types("order.#")}} {
			if _, err := s.Subscribe(t.Context(), "orders", router, append(opts, messaging.Group(group))...); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Publish(t.Context(), "orders", envelope.New("order.placed.eu", nil)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Minute)
		s.want()
		var reasons []messaging.Reason
		for l, err := range s.DeadLetters(t.Context(), "orders", "wider") {
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, l.Reason)
		}
		if want := []messaging.Reason{messaging.ReasonUnhandled}; !reflect.DeepEqual(reasons, want) {
			t.Errorf("dead letters for %q, want %q", reasons, want)
		}
		if n := s.Stats().Skipped; n > 1 {
			t.Errorf("%d events skipped, want at most the one outside the first filter", n)
		}
	})
}

func TestRoute_VersionWithoutHandlerIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, memory.Config{})
		on := messaging.On(orderPlaced, func(_ context.Context, e messaging.Typed[order]) error { s.saw("%s", e.Value.ID); return nil })
		if _, err := s.Subscribe(t.Context(), "orders", messaging.Route(on), messaging.Group("billing")); err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(t.Context(), "orders", orderPlaced2.New(order{ID: "second"}), orderPlaced.New(order{ID: "first"})); err != nil {
			t.Fatal(err)
		}
		s.want("first")
		letters := s.letters()
		if len(letters) != 1 || letters[0].Reason != messaging.ReasonVersion || letters[0].Error != "no handler for version 2 of order.placed" || letters[0].Attempts != 1 {
			t.Errorf("dead letters %+v", letters)
		}
	})
}

func TestVerdicts_NilStaysNilAndTextsPass(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(error) error{
		"permanent": messaging.Permanent, "discard": messaging.Discard,
		"retry after": func(err error) error { return messaging.RetryAfter(time.Second, err) },
	} {
		if err := f(nil); err != nil {
			t.Errorf("%s of nil: %v", name, err)
		}
		if err := f(errClient); !errors.Is(err, errClient) || err.Error() != errClient.Error() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text := messaging.Snooze(2 * time.Second).Error(); text != "snoozed for 2s" {
		t.Errorf("snooze: %s", text)
	}
	if text := messaging.Release().Error(); text != "released" {
		t.Errorf("release: %s", text)
	}
}
