// Package backoff paces what an adapter tries again: random pauses below a ceiling that doubles, so that clients that lost a broker together
// do not come back together.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is a sequence of pauses with full jitter. It belongs to one goroutine.
type Backoff struct {
	least, most, ceiling time.Duration
}

// New returns a Backoff whose pauses lie anywhere between least and a ceiling that starts at twice that and doubles up to most. A least that
// is not positive is one millisecond, so that nothing spins; a most below least is least.
func New(least, most time.Duration) *Backoff {
	if least <= 0 {
		least = time.Millisecond
	}
	b := &Backoff{least: least, most: max(least, most)}
	b.Reset()
	return b
}

// Next returns the next pause.
func (b *Backoff) Next() time.Duration {
	pause := b.least + rand.N(b.ceiling-b.least+1)
	b.ceiling = b.double(b.ceiling)
	return pause
}

// Reset starts anew, for example after a success that lasted.
func (b *Backoff) Reset() { b.ceiling = b.double(b.least) }

func (b *Backoff) double(d time.Duration) time.Duration {
	if d > b.most/2 { // and where twice that overflows
		return b.most
	}
	return 2 * d
}

// Wait sleeps for Next, or returns the context's cause as soon as ctx has ended, at once if it has already.
func (b *Backoff) Wait(ctx context.Context) error {
	timer := time.NewTimer(b.Next())
	defer timer.Stop()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
