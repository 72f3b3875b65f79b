// Package middleware wraps handlers in what many of them need: log lines, a rate limit, a bulkhead, a circuit brake, a time limit.
//
//	logs := middleware.Log(middleware.LogConfig{})
//	brake, err := middleware.NewBrake(middleware.BrakeConfig{})
//	...
//	sub, err := broker.Subscribe(ctx, "orders", handler, messaging.Group("billing"), messaging.Use(logs, brake.Middleware))
//
// Retries, dead letters, recovery from panics and correlation are no middleware: pkg/messaging does them around the whole chain, so that
// one pass through it is one attempt.
//
// # State
//
// RateLimit, Bulkhead and Brake have state, and one value is one state. Make a value for each subscription, or give one value to several on
// purpose: they then share the rate, the room or the brake. Log, NewTimeout and ForTypes keep none. All are safe for concurrent use.
//
// # Waiting
//
// RateLimit, Bulkhead and Brake hold an event back by waiting inside its handler: its worker stands, the window fills, and intake stops. The
// event keeps its place in the order of its key. A wait costs no attempt, and leaves the handler at least half of its time: after a second,
// or half of the time until the context's deadline if that is less, the middleware returns a Snooze that makes the event come back at once,
// at the head of its key, with a new context and its whole HandlerTimeout. That is also how a wait ends when its subscription drains, or
// when the context ends for another reason. So what stands outside these middlewares, and Hooks.Handle, sees a waiting event about once a
// second.
//
// Per-event middleware does not apply to batches: messaging refuses it there.
package middleware
