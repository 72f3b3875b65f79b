package messagingtest

import (
	"context"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// hooks returns hooks that call the user's and then record.
func (j *journal) hooks(user messaging.Hooks) messaging.Hooks {
	return messaging.Hooks{
		Publish: func(ctx context.Context, topic string, list []envelope.Event) (context.Context, func(error)) {
			var told func(error)
			if user.Publish != nil {
				ctx, told = user.Publish(ctx, topic, list)
			}
			return ctx, both(told, j.publishing(ctx, topic, list))
		},
		Handle: func(ctx context.Context, d *messaging.Delivery) (context.Context, func(error)) {
			attempt := ctx // its identity, whatever the user's hook wraps around it
			var told func(error)
			if user.Handle != nil {
				ctx, told = user.Handle(ctx, d)
			}
			return ctx, both(told, j.handling(attempt, d))
		},
		Retry: func(d *messaging.Delivery, err error, in time.Duration, later bool) {
			if user.Retry != nil {
				user.Retry(d, err, in, later)
			}
			j.willRetry(d, in, later)
		},
		DeadLetter: func(l *messaging.DeadLetter) {
			if user.DeadLetter != nil {
				user.DeadLetter(l)
			}
			j.died(l)
		},
		Discard: func(d *messaging.Delivery, err error) {
			if user.Discard != nil {
				user.Discard(d, err)
			}
			j.discarded(d)
		},
		Stuck:  user.Stuck,
		Notice: user.Notice,
	}
}

// both calls two functions, of which the first may be nil.
func both(first, second func(error)) func(error) {
	return func(err error) {
		if first != nil {
			first(err)
		}
		second(err)
	}
}
