package heraldwatermill

import (
	"context"
	"slices"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/herald-go/herald/pkg/messaging"
)

// feed is one Herald subscription and the channels that its messages go out on, one for each Subscribe of its topic.
type feed struct {
	s     *Subscriber
	topic string

	opened chan struct{} // closed when sub or err is set
	sub    *messaging.Subscription
	err    error
	done   chan struct{} // closed when the subscription is closed

	mu      sync.Mutex
	closing bool
	outlets []*outlet
	changed chan struct{} // closed, and replaced, when outlets change
}

// outlet is one channel of a feed.
type outlet struct {
	out     chan *message.Message
	values  context.Context //nolint:containedctx // Subscribe's: messages take values from it, as Watermill has it
	leaving chan struct{}   // closed when nothing more goes out
	expired chan struct{}   // closed when closing no longer waits for acks
	busy    sync.WaitGroup  // handlers that offer it a message, or wait for an ack of its
}

// open subscribes.
func (f *feed) open(ctx context.Context) {
	f.sub, f.err = f.s.broker.Subscribe(ctx, f.topic, f, f.s.config.options()...)
	if f.err != nil {
		f.s.forget(f)
	}
	close(f.opened)
}

// join adds a channel. It is nil when the feed is closing.
func (f *feed) join(ctx context.Context) <-chan *message.Message {
	o := &outlet{out: make(chan *message.Message), values: ctx, leaving: make(chan struct{}), expired: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return nil
	}
	f.outlets = append(f.outlets, o)
	f.change()
	f.s.running.Add(1)
	go f.keep(ctx, o)
	return o.out
}

// change tells handlers that the outlets are others. f.mu is held.
func (f *feed) change() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// keep waits for the end of an outlet and closes it; with the last one it closes the subscription.
func (f *feed) keep(ctx context.Context, o *outlet) {
	defer f.s.running.Done()
	select {
	case <-ctx.Done():
	case <-f.s.stop:
	case <-f.sub.Done(): // the broker was closed
	case <-f.sub.Failed():
		f.s.report("subscription failed", f.sub.Err(), f.topic)
	}
	last := f.leave(o)
	patience, cancel := f.s.patience()
	defer cancel()
	if last {
		if err := f.sub.Close(patience); err != nil {
			f.s.report("subscription closed", err, f.topic)
		}
	}
	idle := make(chan struct{})
	go func() { o.busy.Wait(); close(idle) }()
	select {
	case <-idle:
	case <-patience.Done():
	}
	close(o.expired)
	<-idle
	if last {
		f.s.forget(f)
	}
	close(o.out)
}

// leave takes an outlet off and reports whether it was the last.
func (f *feed) leave(o *outlet) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outlets = slices.DeleteFunc(slices.Clone(f.outlets), func(other *outlet) bool { return other == o })
	f.closing = len(f.outlets) == 0
	f.change()
	close(o.leaving)
	return f.closing
}

// present returns the outlets, each busy, and a channel that is closed when they are others.
func (f *feed) present() ([]*outlet, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.outlets {
		o.busy.Add(1)
	}
	return f.outlets, f.changed
}
