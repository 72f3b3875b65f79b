package heraldwatermill

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/pkg/messaging"
)

// errNacked is a failed attempt, where nacks are such.
var errNacked = errors.New("nacked")

// fate is what became of one message that went out.
type fate uint8

const (
	acked fate = iota
	nacked
	left // its outlet was closed
	over // the handler's context has ended, or the subscription drains
)

// Handle implements messaging.Handler: it sends the delivery out as a message until that is acked.
func (f *feed) Handle(ctx context.Context, d *messaging.Delivery) error {
	began := time.Now()
	for {
		switch f.deliver(ctx, d) {
		case acked:
			return nil
		case left:
			continue
		case over:
			return interrupted(ctx)
		default:
		}
		if f.s.config.Retry != nil {
			return errNacked
		}
		delay := f.s.config.NackDelay
		if most := f.s.longest(); most > 0 && time.Since(began) > most {
			return messaging.Snooze(max(delay, time.Millisecond))
		}
		if !pause(ctx, delay) {
			return interrupted(ctx)
		}
	}
}

// interrupted is what the handler returns without an ack: the event goes back, unless its time is over.
func interrupted(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, messaging.ErrHandlerTimeout) {
		return cause
	}
	return messaging.Release()
}

// pause waits, and reports whether it was not cut short.
func pause(ctx context.Context, d time.Duration) bool {
	draining := messaging.Draining(ctx)
	if d <= 0 {
		select {
		case <-draining:
			return false
		default:
			return ctx.Err() == nil
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-draining:
		return false
	case <-ctx.Done():
		return false
	}
}

// deliver sends the delivery out once and waits for what becomes of it.
func (f *feed) deliver(ctx context.Context, d *messaging.Delivery) fate {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outlets, changed := f.present()
	msg, o := offer(ctx, f.s.config.message(f.topic, &d.Event), outlets, changed)
	for _, other := range outlets {
		if other != o {
			other.busy.Done()
		}
	}
	if o == nil && (ctx.Err() != nil || closed(messaging.Draining(ctx))) {
		return over
	}
	if o == nil {
		return left
	}
	defer o.busy.Done()
	return o.await(ctx, msg, f.s.config.CloseTimeout)
}

// offer sends the message to whichever outlet takes it first, and returns it as it went there; the outlet is nil when none does before they
// change, the subscription drains, or ctx ends.
func offer(ctx context.Context, msg *message.Message, outlets []*outlet, changed <-chan struct{}) (*message.Message, *outlet) {
	draining := messaging.Draining(ctx)
	if len(outlets) != 1 {
		return offerAny(ctx, msg, outlets, changed, draining)
	}
	o := outlets[0]
	msg.SetContext(&joined{Context: ctx, more: o.values})
	select {
	case o.out <- msg:
		return msg, o
	case <-changed:
	case <-draining:
	case <-ctx.Done():
	}
	return nil, nil
}

// offerAny is offer for any number of outlets.
func offerAny(ctx context.Context, msg *message.Message, outlets []*outlet, ends ...<-chan struct{}) (*message.Message, *outlet) {
	ends = append(ends, ctx.Done())
	cases := make([]reflect.SelectCase, 0, len(ends)+len(outlets))
	for _, end := range ends {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(end)})
	}
	offered := make([]*message.Message, len(outlets))
	for i, o := range outlets {
		offered[i] = msg.Copy() // each with the context of its outlet
		offered[i].SetContext(&joined{Context: ctx, more: o.values})
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectSend, Chan: reflect.ValueOf(o.out), Send: reflect.ValueOf(offered[i])})
	}
	chosen, _, _ := reflect.Select(cases)
	if chosen -= len(ends); chosen < 0 {
		return nil, nil
	}
	return offered[chosen], outlets[chosen]
}

// await waits until the message is settled, or until closing no longer waits for that: patience is for when the subscription drains, whoever
// closes it.
func (o *outlet) await(ctx context.Context, msg *message.Message, patience time.Duration) fate {
	select {
	case <-msg.Acked():
		return acked
	case <-msg.Nacked():
		return nacked
	case <-o.expired:
	case <-ctx.Done():
	case <-messaging.Draining(ctx):
		timer := time.NewTimer(max(patience, 0))
		defer timer.Stop()
		select {
		case <-msg.Acked():
		case <-msg.Nacked():
		case <-timer.C:
		case <-ctx.Done():
		}
		if !closed(msg.Acked()) {
			return over
		}
	}
	if closed(msg.Acked()) {
		return acked
	}
	if ctx.Err() != nil {
		return over
	}
	return left
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// joined is the context of a message: the handler's, with the values of Subscribe's beneath.
type joined struct {
	context.Context
	more context.Context //nolint:containedctx // it is a context
}

// Value implements context.Context.
func (j *joined) Value(key any) any {
	if v := j.Context.Value(key); v != nil {
		return v
	}
	return j.more.Value(key)
}
