package middleware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// TimeoutConfig says which events have how long. After is required.
type TimeoutConfig struct {
	// After is how long an attempt may take, above zero. One that is longer than the subscription's messaging.HandlerTimeout changes
	// nothing.
	After time.Duration
	// Types are the types that have this limit, or patterns of them as for messaging.OnType. Defaults to all.
	Types []string
}

// NewTimeout returns a middleware that gives events of some types less time than the subscription's messaging.HandlerTimeout: their context
// ends with the cause messaging.ErrHandlerTimeout. As there, nil returned after it still counts as done, an error is a failed attempt, and
// Snooze and Release count no attempt. It can't end a handler that does not listen to its context. A failure after the limit is
// messaging.ErrHandlerTimeout as well as what the handler returned. A configuration without a limit, or with a pattern that no type can
// match, is an error that is messaging.ErrInvalid.
//
// It stands inside whatever waits (RateLimit, Bulkhead, Brake), so that waiting does not use up the limit.
func NewTimeout(cfg TimeoutConfig) (messaging.Middleware, error) {
	if cfg.After <= 0 {
		return nil, invalid("timeout: After is %v, must be above zero", cfg.After)
	}
	m := func(next messaging.Handler) messaging.Handler {
		return &timeout{after: cfg.After, next: next}
	}
	if len(cfg.Types) == 0 {
		return m, nil
	}
	if err := checkPatterns(cfg.Types); err != nil {
		return nil, invalid("timeout: %v", err)
	}
	return forTypes(m, cfg.Types), nil
}

type timeout struct {
	after time.Duration
	next  messaging.Handler
}

// Handle implements messaging.Handler.
func (t *timeout) Handle(ctx context.Context, d *messaging.Delivery) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= t.after {
		return t.next.Handle(ctx, d)
	}
	limited, cancel := context.WithTimeoutCause(ctx, t.after, messaging.ErrHandlerTimeout)
	defer cancel()
	err := t.next.Handle(limited, d)
	over := ctx.Err() == nil && errors.Is(context.Cause(limited), messaging.ErrHandlerTimeout)
	if !over || !messaging.VerdictOf(err).Failure() || errors.Is(err, messaging.ErrHandlerTimeout) {
		return err
	}
	return fmt.Errorf("%w after %v: %w", messaging.ErrHandlerTimeout, t.after, err)
}
