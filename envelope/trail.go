package envelope

import "context"

// Trail is what events published while another one is handled inherit from it.
type Trail struct {
	// CorrelationID is that of the event being handled, or its id where it
	// has none.
	CorrelationID string
	// CausationID is the id of the event being handled.
	CausationID string
}

// TrailKey is the key under which a context holds a *Trail. It is for
// implementers of context.Context: Value(TrailKey{}) must return a *Trail that
// doesn't change any more, or nil. A pointer, so that looking it up in a
// context of one's own allocates nothing. Others use WithTrail and TrailFrom.
type TrailKey struct{}

// WithTrail returns a context that carries the trail.
func WithTrail(ctx context.Context, t Trail) context.Context {
	return context.WithValue(ctx, TrailKey{}, &t)
}

// TrailFrom returns the trail that the context carries, and whether there is
// one. It allocates nothing.
func TrailFrom(ctx context.Context) (Trail, bool) {
	t, _ := ctx.Value(TrailKey{}).(*Trail)
	if t == nil {
		return Trail{}, false
	}
	return *t, true
}

// Inherit fills CorrelationID and CausationID from the context's trail where
// they are empty. Without a trail it does nothing.
func (e *Event) Inherit(ctx context.Context) {
	if e.CorrelationID != "" && e.CausationID != "" {
		return
	}
	t, ok := TrailFrom(ctx)
	if !ok {
		return
	}
	if e.CorrelationID == "" {
		e.CorrelationID = t.CorrelationID
	}
	if e.CausationID == "" {
		e.CausationID = t.CausationID
	}
}
