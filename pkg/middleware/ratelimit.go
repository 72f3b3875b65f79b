package middleware

import (
	"context"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// RateLimitConfig says how many events may start. Events is required: no number fits all.
type RateLimitConfig struct {
	// Events is how many events may start in each interval Per, on average; at least 1.
	Events int
	// Per is the interval. Defaults to one second.
	Per time.Duration
	// Burst is how many events may start at once after a pause. Defaults to 1: events are evenly spaced, which no receiver can take for
	// more than it allows. Over any time t at most Burst + Events*t/Per events start.
	Burst int
}

// RateLimit is a token bucket: it starts no more events than a rate allows, and lets the others wait. It is local to the process: with
// several replicas, each has its rate. It is safe for concurrent use; subscriptions that are given the same value share its rate.
type RateLimit struct {
	spacing time.Duration // between two events
	slack   time.Duration // how far the bucket may be overdrawn: a burst without its first event

	mu   sync.Mutex
	next time.Time // when the next event would start if none ever came early
}

// NewRateLimit returns a rate limit with a full bucket. A configuration that can't be met is an error that is messaging.ErrInvalid.
func NewRateLimit(cfg RateLimitConfig) (*RateLimit, error) {
	if cfg.Per == 0 {
		cfg.Per = time.Second
	}
	if cfg.Burst == 0 {
		cfg.Burst = 1
	}
	switch {
	case cfg.Events < 1:
		return nil, invalid("rate limit: Events is %d, must be at least 1", cfg.Events)
	case cfg.Per < 0:
		return nil, invalid("rate limit: Per is %v, must not be negative", cfg.Per)
	case cfg.Burst < 0:
		return nil, invalid("rate limit: Burst is %d, must not be negative", cfg.Burst)
	case time.Duration(cfg.Events) > cfg.Per:
		return nil, invalid("rate limit: %d events in %v is more than one in a nanosecond", cfg.Events, cfg.Per)
	}
	n := time.Duration(cfg.Events)
	spacing := cfg.Per/n + min(cfg.Per%n, 1) // rounded up: never more than asked
	if slack := time.Duration(cfg.Burst - 1); slack > 0 && spacing > maxSlack/slack {
		return nil, invalid("rate limit: a burst of %d takes more than %v to fill", cfg.Burst, maxSlack)
	}
	return &RateLimit{spacing: spacing, slack: spacing * time.Duration(cfg.Burst-1)}, nil
}

// maxSlack is longer than any burst needs and far from what a time.Duration can't hold.
const maxSlack = 10 * 365 * 24 * time.Hour

// Middleware is the messaging.Middleware. A waiting event counts no attempt and keeps its place in the order of its key; see the package on
// waiting. An event takes its token when its wait begins, and one whose wait is cut short by a revocation has used it in vain: the rate may
// be lower than allowed, never higher. Every attempt takes a token, retries too.
func (l *RateLimit) Middleware(next messaging.Handler) messaging.Handler {
	return messaging.HandlerFunc(func(ctx context.Context, d *messaging.Delivery) error {
		if err := l.wait(ctx); err != nil {
			return err
		}
		return next.Handle(ctx, d)
	})
}

// wait returns nil when the event may start.
func (l *RateLimit) wait(ctx context.Context) error {
	now := time.Now()
	in, mine := l.take(now, 0)
	if in == 0 && mine {
		return nil
	}
	end := waitUntil(ctx, now)
	in, mine = l.take(now, end.Sub(now))
	if !mine {
		in = end.Sub(now)
	}
	if !sleep(ctx, in, nil) || !mine {
		return again()
	}
	return nil
}

// take takes a token that is there within the given time, and reports how long until it is and whether it was taken.
func (l *RateLimit) take(now time.Time, within time.Duration) (in time.Duration, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.next
	if at.Before(now) {
		at = now // the bucket is full
	}
	in = max(at.Add(-l.slack).Sub(now), 0)
	if in > within {
		return in, false
	}
	l.next = at.Add(l.spacing)
	return in, true
}
