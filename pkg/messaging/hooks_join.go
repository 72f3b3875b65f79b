package messaging

import (
	"context"
	"time"

	"github.com/herald-go/herald/envelope"
)

// and returns hooks that call those of h, then those of next.
func (h Hooks) and(next Hooks) Hooks {
	return Hooks{
		Publish: joinPublish(h.Publish, next.Publish),
		Handle:  joinHandle(h.Handle, next.Handle),
		Retry: join([2]bool{h.Retry != nil, next.Retry != nil}, h.Retry, next.Retry, func(d *Delivery, err error, in time.Duration, later bool) {
			h.Retry(d, err, in, later)
			next.Retry(d, err, in, later)
		}),
		DeadLetter: join([2]bool{h.DeadLetter != nil, next.DeadLetter != nil}, h.DeadLetter, next.DeadLetter, func(l *DeadLetter) { h.DeadLetter(l); next.DeadLetter(l) }),
		Discard:    join([2]bool{h.Discard != nil, next.Discard != nil}, h.Discard, next.Discard, func(d *Delivery, err error) { h.Discard(d, err); next.Discard(d, err) }),
		Stuck:      join([2]bool{h.Stuck != nil, next.Stuck != nil}, h.Stuck, next.Stuck, func(d *Delivery, running time.Duration) { h.Stuck(d, running); next.Stuck(d, running) }),
		Notice:     join([2]bool{h.Notice != nil, next.Notice != nil}, h.Notice, next.Notice, func(n Notice) { h.Notice(n); next.Notice(n) }),
	}
}

// join returns the one that is there, or both. There says of each whether it is.
func join[F any](there [2]bool, first, second, both F) F {
	switch {
	case !there[0]:
		return second
	case !there[1]:
		return first
	default:
		return both
	}
}

func joinPublish(first, second func(context.Context, string, []envelope.Event) (context.Context, func(error))) func(context.Context, string, []envelope.Event) (context.Context, func(error)) {
	if first == nil {
		return second
	}
	if second == nil {
		return first
	}
	return func(ctx context.Context, topic string, events []envelope.Event) (context.Context, func(error)) {
		ctx, one := first(ctx, topic, events)
		ctx, two := second(ctx, topic, events)
		return ctx, reversed(one, two)
	}
}

func joinHandle(first, second func(context.Context, *Delivery) (context.Context, func(error))) func(context.Context, *Delivery) (context.Context, func(error)) {
	if first == nil {
		return second
	}
	if second == nil {
		return first
	}
	return func(ctx context.Context, d *Delivery) (context.Context, func(error)) {
		ctx, one := first(ctx, d)
		ctx, two := second(ctx, d)
		return ctx, reversed(one, two)
	}
}

// reversed calls what the hooks returned, the last first.
func reversed(one, two func(error)) func(error) {
	return func(err error) {
		if two != nil {
			two(err)
		}
		if one != nil {
			one(err)
		}
	}
}
