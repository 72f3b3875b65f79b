package messagingtest

import (
	"context"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// HandleOption changes how Handle calls a handler.
type HandleOption func(*handleCall)

type handleCall struct {
	delivery messaging.Delivery
	timeout  time.Duration
	cause    error
}

// AttemptNumber sets the delivery's Attempt. Defaults to 1.
func AttemptNumber(n int) HandleOption { return func(c *handleCall) { c.delivery.Attempt = n } }

// From sets the delivery's topic and group. They default to "test".
func From(topic, group string) HandleOption {
	return func(c *handleCall) { c.delivery.Topic, c.delivery.Group = topic, group }
}

// Deliver changes the delivery in any other way.
func Deliver(change func(d *messaging.Delivery)) HandleOption {
	return func(c *handleCall) { change(&c.delivery) }
}

// Timeout ends the handler's context after d, with the cause messaging.ErrHandlerTimeout. Defaults to no time-out.
func Timeout(d time.Duration) HandleOption { return func(c *handleCall) { c.timeout = d } }

// Interrupted calls the handler with a context that has ended, with a cause such as messaging.ErrDraining or messaging.ErrRevoked.
func Interrupted(cause error) HandleOption { return func(c *handleCall) { c.cause = cause } }

// Handle calls a handler once with an event, without a broker, and returns the handler's error; messaging.VerdictOf tells what it asks for.
// The delivery is a copy that the handler may change. Its context is the test's, ends when the handler returns, and hands on correlation and
// causation to what is published with it. An event that could not be published fails the test at once. A panic of the handler is left alone,
// so that the test shows its stack. A *messaging.Batch gets a batch of one.
func Handle(t TB, h messaging.Handler, e envelope.Event, opts ...HandleOption) error {
	t.Helper()
	e = complete(t.Context(), e)
	if err := e.Validate(envelope.Limits{}); err != nil {
		t.Fatalf("messagingtest: handle: %v", err)
	}
	c := handleCall{delivery: messaging.Delivery{Event: e.Clone(), Topic: "test", Group: "test", Attempt: 1}}
	for _, o := range opts {
		o(&c)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	if c.cause != nil {
		cancel(c.cause)
	}
	if c.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, c.timeout, messaging.ErrHandlerTimeout)
		defer stop()
	}
	trail := envelope.Trail{CorrelationID: e.CorrelationID, CausationID: e.ID}
	if trail.CorrelationID == "" {
		trail.CorrelationID = e.ID
	}
	return h.Handle(envelope.WithTrail(ctx, trail), &c.delivery)
}
