package messaging

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// attempt is one attempt at one event: its delivery, and the handler's context in the same allocation. The context makes a real one only
// when somebody asks for Done or it is cancelled; making one per event would cost as much as all the rest.
type attempt struct {
	delivery Delivery
	trail    envelope.Trail
	parent   context.Context
	deadline time.Time // zero is none
	source   *driver.Source

	mu     sync.Mutex
	inner  context.Context
	cancel context.CancelCauseFunc
	cause  error // why it was cancelled before the handler returned
	ended  bool
}

// Deadline implements context.Context.
func (a *attempt) Deadline() (time.Time, bool) { return a.deadline, !a.deadline.IsZero() }

// Done implements context.Context.
func (a *attempt) Done() <-chan struct{} { return a.real().Done() }

// Err implements context.Context.
func (a *attempt) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inner == nil && !a.ended {
		return nil
	}
	a.make()
	return a.inner.Err()
}

// Value implements context.Context. Publishing looks for the trail; contexts derived from this one, and context.Cause, find the real context
// through it.
func (a *attempt) Value(key any) any {
	if _, ok := key.(envelope.TrailKey); ok {
		return &a.trail
	}
	a.mu.Lock()
	inner := a.inner
	a.mu.Unlock()
	if inner == nil {
		inner = a.parent
	}
	return inner.Value(key)
}

func (a *attempt) real() context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.make()
	return a.inner
}

// make makes the real context; a.mu is held.
func (a *attempt) make() {
	if a.inner == nil {
		a.inner, a.cancel = context.WithCancelCause(a.parent)
		if a.ended {
			a.cancel(nil)
		}
	}
}

// interrupt ends the handler's context early.
func (a *attempt) interrupt(why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause == nil {
		a.cause = why
		a.make()
		a.cancel(why)
	}
}

// end ends the context with the attempt and returns why it was interrupted, if it was.
func (a *attempt) end() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	if a.inner != nil {
		a.cancel(nil)
	}
	return a.cause
}

// newAttempt decodes the item's message into a fresh delivery: nothing that an earlier attempt did to its own is seen by this one.
func (s *Subscription) newAttempt(ctx context.Context, it *item) (*attempt, error) {
	m := it.msg
	a := &attempt{parent: ctx, source: m.Source}
	d := &a.delivery
	form, err := s.broker.decode(&d.Event, m)
	if err != nil {
		return a, err
	}
	d.Data = bytes.Clone(d.Data)
	d.Topic, d.Group = s.topic, s.options.group
	d.Attempt = it.recorded + it.tries + 1
	d.Deliveries, d.Position = m.Deliveries, m.Position
	d.FirstFailed, d.Redrive = it.firstFailed, it.redrive
	d.RandomID = form == envelope.FormForeignNoID
	d.Foreign = form == envelope.FormForeign || d.RandomID
	a.trail = envelope.Trail{CorrelationID: correlationOf(&d.Event), CausationID: d.ID}
	return a, nil
}

// correlationOf returns the correlation that what e causes inherits: its own, or its id where it begins one.
func correlationOf(e *envelope.Event) string {
	if e.CorrelationID != "" {
		return e.CorrelationID
	}
	return e.ID
}

// Detector is for codecs of a form of their own: where the codec that is written implements it, messages that it detects are read with it.
type Detector interface {
	// Detect reports whether the record is in the codec's form. It must be fast and must not change the record.
	Detect(r *envelope.Record) bool
}

func (b *Broker) decode(e *envelope.Event, m *driver.Message) (envelope.Form, error) {
	r := envelope.Record{
		ID: m.ID, Type: m.Type, Key: m.Key, ContentType: m.ContentType, Time: m.Time,
		Headers: m.Headers, Body: m.Body, Position: m.Position,
	}
	if b.detector != nil && b.detector.Detect(&r) {
		return envelope.FormBinary, b.codec.Decode(e, &r, b.config.Limits)
	}
	return envelope.Decode(e, &r, b.config.Limits)
}
