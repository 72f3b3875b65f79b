package envelope_test

import (
	"context"
	"testing"

	"github.com/herald-go/herald/envelope"
)

// ownContext is a context that holds a trail without a layer of its own.
type ownContext struct {
	context.Context
	trail envelope.Trail
}

func (c *ownContext) Value(key any) any {
	if key == (envelope.TrailKey{}) {
		return &c.trail
	}
	return c.Context.Value(key)
}

func TestTrailTravelsThroughTheContext(t *testing.T) {
	t.Parallel()
	if _, ok := envelope.TrailFrom(t.Context()); ok {
		t.Error("a trail out of nowhere")
	}
	want := envelope.Trail{CorrelationID: "c", CausationID: "p"}
	for name, ctx := range map[string]context.Context{
		"WithTrail":   envelope.WithTrail(t.Context(), want),
		"own context": &ownContext{t.Context(), want},
	} {
		if got, ok := envelope.TrailFrom(ctx); !ok || got != want {
			t.Errorf("%s: got %+v, %v", name, got, ok)
		}
	}
}

func TestATrailOfNilIsNone(t *testing.T) {
	t.Parallel()
	ctx := context.WithValue(t.Context(), envelope.TrailKey{}, (*envelope.Trail)(nil))
	if got, ok := envelope.TrailFrom(ctx); ok || got != (envelope.Trail{}) {
		t.Errorf("got %+v, %v", got, ok)
	}
}

func TestInheritFillsOnlyWhatIsEmpty(t *testing.T) {
	t.Parallel()
	ctx := envelope.WithTrail(t.Context(), envelope.Trail{CorrelationID: "c", CausationID: "p"})
	for _, tc := range []struct{ correlation, causation, wantCorrelation, wantCausation string }{
		{"", "", "c", "p"},
		{"x", "", "x", "p"},
		{"", "y", "c", "y"},
		{"x", "y", "x", "y"},
	} {
		e := envelope.Event{CorrelationID: tc.correlation, CausationID: tc.causation}
		e.Inherit(ctx)
		if e.CorrelationID != tc.wantCorrelation || e.CausationID != tc.wantCausation {
			t.Errorf("%+v: got %q, %q", tc, e.CorrelationID, e.CausationID)
		}
	}
	e := envelope.Event{}
	e.Inherit(t.Context())
	if e.CorrelationID != "" || e.CausationID != "" {
		t.Errorf("without a trail: got %q, %q", e.CorrelationID, e.CausationID)
	}
}

func TestTrailFromAllocatesNothing(t *testing.T) {
	var ctx context.Context = &ownContext{t.Context(), envelope.Trail{CorrelationID: "c", CausationID: "p"}}
	if n := testing.AllocsPerRun(100, func() { _, _ = envelope.TrailFrom(ctx) }); n != 0 {
		t.Errorf("got %v allocations", n)
	}
}
