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
	scope    *scope
	source   *driver.Source
	deadline int64 // since Subscription.base; 0 is none

	mu    sync.Mutex
	life  *life
	ended bool
	batch bool // the delivery is nobody's: it only names topic and type
}

// scope is what all attempts of a subscription share.
type scope struct {
	parent   context.Context // values for handlers; never cancelled
	base     time.Time
	draining chan struct{} // closed when the drain begins
}

// Keys of a handler's context.
type (
	deliveryKey struct{}
	drainingKey struct{}
)

// DeliveryFrom returns the delivery whose handler ctx belongs to, and whether there is one; a batch has none. It is the handler's own. It
// allocates nothing.
func DeliveryFrom(ctx context.Context) (*Delivery, bool) {
	d, ok := ctx.Value(deliveryKey{}).(*Delivery)
	return d, ok
}

// Draining returns a channel that is closed when the subscription of the handler that ctx belongs to begins to drain. It comes before the end
// of ctx, which gives handlers Config.DrainTimeout to finish: what only waits should stop waiting now, and return Snooze. For other contexts
// it is nil.
func Draining(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(drainingKey{}).(chan struct{})
	return c
}

// life is the real context of an attempt.
type life struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	cause  error // why it was cancelled before the handler returned
}

// Deadline implements context.Context.
func (a *attempt) Deadline() (time.Time, bool) {
	if a.deadline == 0 {
		return time.Time{}, false
	}
	return a.scope.base.Add(time.Duration(a.deadline)), true
}

// Done implements context.Context.
func (a *attempt) Done() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.real().ctx.Done()
}

// Err implements context.Context.
func (a *attempt) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life == nil && !a.ended {
		return nil
	}
	return a.real().ctx.Err()
}

// Value implements context.Context. Publishing looks for the trail; contexts derived from this one, and context.Cause, find the real context
// through it.
func (a *attempt) Value(key any) any {
	switch key.(type) {
	case deliveryKey:
		if a.batch {
			return nil
		}
		return &a.delivery
	case drainingKey:
		return a.scope.draining
	case envelope.TrailKey:
		return &envelope.Trail{CorrelationID: correlationOf(&a.delivery.Event), CausationID: a.delivery.ID}
	}
	ctx := a.scope.parent
	a.mu.Lock()
	if a.life != nil {
		ctx = a.life.ctx
	}
	a.mu.Unlock()
	return ctx.Value(key)
}

// real returns the real context and makes it first, if need be; a.mu is held.
func (a *attempt) real() *life {
	if a.life == nil {
		ctx, cancel := context.WithCancelCause(a.scope.parent)
		a.life = &life{ctx: ctx, cancel: cancel}
		if a.ended {
			cancel(nil)
		}
	}
	return a.life
}

// interrupt ends the handler's context early.
func (a *attempt) interrupt(why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.real(); l.cause == nil {
		l.cause = why
		l.cancel(why)
	}
}

// end ends the context with the attempt and returns why it was interrupted, if it was.
func (a *attempt) end() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	if a.life == nil {
		return nil
	}
	a.life.cancel(nil)
	return a.life.cause
}

// newAttempt decodes the item's message into a fresh delivery: nothing that an earlier attempt did to its own is seen by this one.
func (s *Subscription) newAttempt(it *item) (*attempt, error) {
	m := it.msg
	a := &attempt{scope: s.scope, source: m.Source}
	d := &a.delivery
	form, err := s.broker.decode(&d.Event, m)
	if err != nil {
		return a, err
	}
	if !s.lend(it, d) {
		d.Data = bytes.Clone(d.Data)
	}
	d.Topic, d.Group = s.topic, s.options.group
	d.Attempt = it.recorded + it.tries + 1
	d.Deliveries, d.Position = m.Deliveries, m.Position
	d.FirstFailed, d.Redrive = it.firstFailed, it.redrive
	d.RandomID = form == envelope.FormForeignNoID
	d.Foreign = form == envelope.FormForeign || d.RandomID
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
	if b.detector != nil {
		return b.decodeOwn(e, r)
	}
	return envelope.Decode(e, &r, b.config.Limits)
}

// decodeOwn is decode with a codec of the user's. It takes the record by value because an interface's argument goes to the heap, which decode
// spares the forms of package envelope.
func (b *Broker) decodeOwn(e *envelope.Event, r envelope.Record) (envelope.Form, error) {
	if b.detector.Detect(&r) {
		return envelope.FormBinary, b.codec.Decode(e, &r, b.config.Limits)
	}
	return envelope.Decode(e, &r, b.config.Limits)
}
