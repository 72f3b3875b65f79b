package middleware_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/pkg/middleware"
)

// noting is a middleware that notes its name when an event passes.
func noting(to *[]string, name string) messaging.Middleware {
	return func(next messaging.Handler) messaging.Handler {
		return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
			*to = append(*to, name)
			return next.Handle(ctx, d)
		})
	}
}

func TestChain_FirstIsOutermost(t *testing.T) {
	var got []string
	m := []messaging.Middleware{noting(&got, "a"), noting(&got, "b")}
	chain := middleware.Chain(m...)
	m[0] = nil
	if err := chain(returning(errDown)).Handle(t.Context(), delivery("order.placed")); !errors.Is(err, errDown) {
		t.Error(err)
	}
	if err := middleware.Chain()(returning(errDown)).Handle(t.Context(), delivery("order.placed")); !errors.Is(err, errDown) {
		t.Error(err)
	}
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("passed %q", got)
	}
}

func TestForTypes_AppliesToWhatMatchesAlone(t *testing.T) {
	for typ, want := range map[string]bool{
		"order.placed": true, "order.x.placed": false, "mail.sent": true, "mail.read": false, "report": true, "report.a.b": true, "orders": false,
	} {
		var got []string
		m := must(middleware.ForTypes(noting(&got, typ), "order.*", "mail.sent", "report.#"))
		if err := m(returning(errDown)).Handle(t.Context(), delivery(typ)); !errors.Is(err, errDown) {
			t.Error(err)
		}
		if passed := len(got) == 1; passed != want {
			t.Errorf("%s passed %v", typ, got)
		}
	}
	var got []string
	_ = must(middleware.ForTypes(noting(&got, "all"), "order.*", "#"))(returning(nil)).Handle(t.Context(), delivery("mail.sent"))
	if len(got) != 1 {
		t.Error("# did not match")
	}
}

func TestForTypes_RefusesWhatMatchesNothing(t *testing.T) {
	some := middleware.Chain()
	for _, patterns := range [][]string{nil, {""}, {"order.placed*"}} {
		if _, err := middleware.ForTypes(some, patterns...); !errors.Is(err, messaging.ErrInvalid) {
			t.Errorf("%q: %v", patterns, err)
		}
	}
	if _, err := middleware.ForTypes(nil, "#"); !errors.Is(err, messaging.ErrInvalid) {
		t.Error(err)
	}
}
