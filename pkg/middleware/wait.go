package middleware

import (
	"context"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// patience bounds one wait inside a handler, so that a source that is about to be taken away is not held up; a shorter one makes waiting
// events come back more often.
const patience = time.Second

// waitUntil returns when a wait that begins now must be over: the handler keeps at least half of its time.
func waitUntil(ctx context.Context, now time.Time) time.Time {
	limit := patience
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, deadline.Sub(now)/2)
	}
	return now.Add(limit)
}

// sleep waits until d has passed or wake can be received from (nil never can), and returns true; or until a drain begins or ctx ends, and
// returns false.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-messaging.Draining(ctx):
		return false
	case <-ctx.Done():
		return false
	}
	return true
}

// again returns the verdict that makes the event come back at once, at the head of its key, with a new context. It counts no attempt, not
// even when the context has ended with messaging.ErrHandlerTimeout: only plain errors are failures then. A subscription that drains releases
// the event instead. Zero would not do: the event would go round through the group's inbox and lose its place.
func again() error { return messaging.Snooze(time.Nanosecond) }
