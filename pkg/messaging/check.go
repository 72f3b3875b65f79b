package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/envelope"
)

// Checker says whether the data of events is what it should be; package schema has one. Implementations must be safe for concurrent use.
//
// An error whose chain has a method Temporary() bool that returns true says that it could not be told now, for example because a registry
// is away. Any other error is for good.
type Checker interface {
	// CheckPublish checks an event before it is written. An error makes Publish refuse it with ErrInvalid, or ErrUnavailable when it is
	// temporary. It may replace e.Data by other bytes, which are then what is written, but must not change the bytes themselves, nor any
	// other field. It may block until ctx ends.
	CheckPublish(ctx context.Context, topic string, e *envelope.Event) error
	// CheckReceive checks an event before any handler sees it. An error makes it a dead letter with reason "schema"; while the error is
	// temporary the event waits in its place, at no attempt. It may replace e.Data by other bytes, which are then what the handler gets.
	// It must return soon: the event's key and a worker wait for it.
	CheckReceive(ctx context.Context, topic string, e *envelope.Event) error
}

// WithChecker sets what checks the data of every event that is published, handled or read from history. Defaults to none.
func WithChecker(c Checker) Option { return func(s *settings) { s.checker = c } }

// uncheckedFor is how long an event waits that could not be checked.
const uncheckedFor = time.Second

// isTemporary finds out whether a check's error says so itself.
func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// checkPublish checks what is about to be written. What is no valid event is left to those who say why.
func (b *Broker) checkPublish(ctx context.Context, topic string, e *envelope.Event) error {
	if b.checker == nil || e.Validate(b.config.Limits) != nil {
		return nil
	}
	err := b.checker.CheckPublish(ctx, topic, e)
	switch {
	case err == nil:
		return nil
	case isTemporary(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}

// checkReceive checks what a handler is about to see.
func (s *Subscription) checkReceive(a *attempt) error {
	c := s.broker.checker
	if c == nil {
		return nil
	}
	d := &a.delivery
	err := c.CheckReceive(a, s.topic, &d.Event)
	switch {
	case err == nil:
		return nil
	case isTemporary(err):
		s.log.Warn("an event waits because its data could not be checked", "event", d.ID, "type", d.Type, "err", err)
		return wish(VerdictSnooze, "", uncheckedFor, err)
	}
	return refused(ReasonSchema, err)
}
