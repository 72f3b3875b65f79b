package messaging

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// errForgotten is what a pulled delivery fails with that was never settled in its time; errLeft releases one that was not when the loop was
// left.
var (
	errForgotten = errors.New("pulled and not settled in time")
	errLeft      = fmt.Errorf("%w: pulled and never settled", errNotStarted)
)

// Pulled is a delivery that the program has taken itself and settles itself, with Ack or Fail, once, from any goroutine.
type Pulled struct {
	*Delivery
	ctx     context.Context //nolint:containedctx // it is the delivery's, as a handler gets it, and ends with it
	settled chan error      // capacity 1, for the one verdict
	once    sync.Once
}

// Context is what a handler would get: it ends when the delivery is settled, when its time-out is over, when the event is taken away, or
// when the pulling ends. Events published with it inherit the correlation.
func (p *Pulled) Context() context.Context { return p.ctx }

// Ack finishes the event for the group. It does not wait for the broker. Only the first of Ack and Fail counts.
func (p *Pulled) Ack() { p.settle(nil) }

// Fail is a failed attempt, or what Permanent, RetryAfter, Discard, Snooze or Release ask for: the failure policy follows, as after a
// handler's error. Only the first of Ack and Fail counts. A nil error is Ack.
func (p *Pulled) Fail(err error) { p.settle(err) }

func (p *Pulled) settle(err error) {
	p.once.Do(func() { p.settled <- err })
}

// Pull subscribes and yields deliveries one by one, for programs that want to ask instead of being called. Each must be settled with Ack or
// Fail; Concurrency is how many may be unsettled at once, and pulling waits when as many are. HandlerTimeout is how long one may stay
// unsettled: then it is a failed attempt, and logged as forgotten. What nobody pulls for a quarter of Capabilities.HoldLimit goes back, at no
// attempt. The iteration ends when ctx ends or the loop is left: what is unsettled
// then is logged and released. When the subscription can't be opened, or fails for good, the iteration ends with an error beside a nil
// delivery.
func (b *Broker) Pull(ctx context.Context, topic string, opts ...SubscribeOption) iter.Seq2[*Pulled, error] {
	return func(yield func(*Pulled, error) bool) {
		p := b.newPuller(opts)
		s, err := b.Subscribe(ctx, topic, p, append(opts[:len(opts):len(opts)], HandlerTimeout(-1))...)
		if err != nil {
			yield(nil, err)
			return
		}
		left := p.run(ctx, s, yield)
		s.stop()
		close(p.left)
		err = errors.Join(s.Err(), s.Close(context.WithoutCancel(ctx)))
		if !left && err != nil {
			yield(nil, err)
		}
	}
}

// puller is the handler behind Pull: each call waits until its delivery is settled.
type puller struct {
	timeout time.Duration
	hold    time.Duration // how long an event waits to be pulled; 0 is for ever
	blocks  bool          // one with a key keeps its place even then
	out     chan *Pulled
	left    chan struct{} // closed when nobody pulls any more and intake has stopped
}

// newPuller takes the time-out from the options: what waits to be pulled must not run into it.
func (b *Broker) newPuller(opts []SubscribeOption) *puller {
	var o subscribeOptions
	for _, opt := range opts {
		opt(&o)
	}
	if o.timeout == 0 {
		o.timeout = defaultTimeout
	}
	p := &puller{timeout: o.timeout, out: make(chan *Pulled), left: make(chan struct{}), blocks: o.retry.WhenLater == Block}
	if !o.broadcast {
		p.hold = b.capabilities.HoldLimit / (waitShare * waitShare)
	}
	return p
}

// run yields until ctx ends, the subscription fails, or the loop is left, which it reports.
func (p *puller) run(ctx context.Context, s *Subscription, yield func(*Pulled, error) bool) bool {
	for {
		select {
		case pulled := <-p.out:
			if !yield(pulled, nil) {
				return true
			}
		case <-ctx.Done():
			return false
		case <-s.ended:
			return false
		}
	}
}

// Handle implements Handler.
func (p *puller) Handle(ctx context.Context, d *Delivery) error {
	pulled := &Pulled{Delivery: d, ctx: ctx, settled: make(chan error, 1)}
	if err := p.offer(ctx, pulled); err != nil {
		return err
	}
	var forgotten <-chan time.Time
	if p.timeout > 0 {
		timer := time.NewTimer(p.timeout)
		defer timer.Stop()
		forgotten = timer.C
	}
	select {
	case err := <-pulled.settled:
		return err
	case <-forgotten:
		return errForgotten
	case <-ctx.Done():
		return errNotStarted
	case <-p.left:
	}
	select {
	case err := <-pulled.settled: // settled, and then left
		return err
	default:
		return errLeft
	}
}

// offer waits until the delivery is pulled. One that nobody pulls is released before the broker takes it away: it is not being handled, as the
// clerk has to believe of what stands in a handler.
func (p *puller) offer(ctx context.Context, pulled *Pulled) error {
	var held <-chan time.Time
	if p.hold > 0 && !(p.blocks && pulled.Key != "") {
		timer := time.NewTimer(p.hold)
		defer timer.Stop()
		held = timer.C
	}
	select {
	case p.out <- pulled:
		return nil
	case <-held:
		return errHeld
	case <-ctx.Done():
	case <-p.left:
	}
	return errNotStarted
}
