package middleware

import (
	"context"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// defaultBulkhead is the default concurrency of one subscription: by default all that share a bulkhead run as many handlers as one would.
const defaultBulkhead = 16

// BulkheadConfig says how much room there is.
type BulkheadConfig struct {
	// Limit is how many handlers may run at once. Defaults to 16, the default concurrency of one subscription.
	Limit int
}

// Bulkhead bounds how many handlers of a class run at once, whichever subscriptions they belong to: handlers belong to the class when they are
// wrapped by the same value. It keeps one kind of work from using up what all share, such as a database's connections. It is safe for
// concurrent use.
type Bulkhead struct {
	// slots holds a value for each running handler; its capacity is the limit.
	slots chan struct{}
}

// NewBulkhead returns an empty bulkhead. A negative limit is an error that is messaging.ErrInvalid.
func NewBulkhead(cfg BulkheadConfig) (*Bulkhead, error) {
	if cfg.Limit == 0 {
		cfg.Limit = defaultBulkhead
	}
	if cfg.Limit < 0 {
		return nil, invalid("bulkhead: Limit is %d, must not be negative", cfg.Limit)
	}
	return &Bulkhead{slots: make(chan struct{}, cfg.Limit)}, nil
}

// Running returns how many handlers run now. It never blocks.
func (b *Bulkhead) Running() int { return len(b.slots) }

// Middleware is the messaging.Middleware. A waiting event counts no attempt and keeps its place in the order of its key; see the package on
// waiting. It holds a worker of its subscription meanwhile.
func (b *Bulkhead) Middleware(next messaging.Handler) messaging.Handler {
	return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
		if !b.enter(ctx) {
			return again()
		}
		defer b.leave()
		return next.Handle(ctx, d)
	})
}

// enter waits for room and reports whether it got it.
func (b *Bulkhead) enter(ctx context.Context) bool {
	select {
	case b.slots <- struct{}{}:
		return true
	default:
	}
	now := time.Now()
	timer := time.NewTimer(waitUntil(ctx, now).Sub(now))
	defer timer.Stop()
	select {
	case b.slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-messaging.Draining(ctx):
	case <-ctx.Done():
	}
	return false
}

func (b *Bulkhead) leave() { <-b.slots }
