package messaging

import (
	"context"
	"errors"
	"fmt"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// Errors to branch on, with errors.Is. What a broker's client said is beneath them, for errors.As.
var (
	// ErrInvalid marks an event, a name or an option that will never be taken. It is envelope.ErrInvalid.
	ErrInvalid = envelope.ErrInvalid
	// ErrTooLarge marks an event over a limit. It is envelope.ErrTooLarge.
	ErrTooLarge = envelope.ErrTooLarge
	// ErrDenied marks what this user may not do at the broker.
	ErrDenied = errors.New("denied")
	// ErrUnavailable marks an event that surely was not stored; publishing it again is safe.
	ErrUnavailable = errors.New("unavailable, not stored")
	// ErrUnconfirmed marks an event that may be stored or not; publishing it again keeps its id, so that consumers can tell a duplicate.
	// After it the driver may still read the event's Data: leave the bytes as they are.
	ErrUnconfirmed = errors.New("unconfirmed, may be stored")
	// ErrUnrouted marks an event that was not stored because its topic has no group yet.
	ErrUnrouted = errors.New("topic has no group yet, not stored")
	// ErrUnsupported marks what this broker can't do. It is driver.ErrUnsupported.
	ErrUnsupported = driver.ErrUnsupported
	// ErrConflict marks a group or topic that exists with other properties. It is driver.ErrConflict.
	ErrConflict = driver.ErrConflict
	// ErrUnknownTopic marks a topic or group that is not there. It is driver.ErrUnknownTopic.
	ErrUnknownTopic = driver.ErrUnknownTopic
	// ErrClosed marks a call on a broker or subscription that was closed. It is driver.ErrClosed.
	ErrClosed = driver.ErrClosed
)

// errInvalid is ErrInvalid for names and options, whose text should not speak of an event.
var errInvalid error = invalidOption{}

type invalidOption struct{}

func (invalidOption) Error() string { return "invalid" }

func (invalidOption) Unwrap() error { return ErrInvalid }

// Causes with which a handler's context ends; read them with context.Cause.
var (
	// ErrDraining: the subscription is being closed and its drain time is over. Whatever the handler returns, its event is released and
	// comes again.
	ErrDraining = errors.New("draining")
	// ErrRevoked: the broker gave the event to another member. Whatever the handler returns counts for nothing here.
	ErrRevoked = errors.New("revoked")
	// ErrHandlerTimeout: the handler ran longer than its time-out. An error it returns is a failed attempt; nil still counts as done.
	ErrHandlerTimeout = errors.New("handler timed out")
)

// Error is what every operation but Publish returns: the operation, where, and why. It unwraps to the cause.
type Error struct {
	// Op is the operation in lower case, Broker the adapter's name, Topic the topic or empty.
	Op, Broker, Topic string
	// Err is the cause; never nil.
	Err error
}

// Error returns "op topic: cause".
func (e *Error) Error() string {
	if e.Topic == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + " " + e.Topic + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// EventError is the fate of one event that was not published.
type EventError struct {
	// Index is the event's place in the call, ID its id.
	Index int
	// ID is the event's id.
	ID string
	// Err wraps one of the sentinels ErrInvalid, ErrTooLarge, ErrDenied, ErrUnavailable, ErrUnconfirmed, ErrUnrouted, and the cause.
	Err error
}

// PublishError tells the fate of each event that a Publish did not get stored; events that it does not name are stored.
//
// errors.Is is honest for a mixed batch: it is true for a sentinel only when every failed event has that fate. To treat them apart, go
// through Failed.
type PublishError struct {
	// Broker and Topic say where.
	Broker, Topic string
	// Total is how many events the call had.
	Total int
	// Failed holds the events that were not stored, in order; never empty.
	Failed []EventError
}

// Error names the first failure and counts the others.
func (e *PublishError) Error() string {
	if e.Total == 1 {
		return fmt.Sprintf("publish %s: %v", e.Topic, e.Failed[0].Err)
	}
	return fmt.Sprintf("publish %s: %d of %d events failed, first %s: %v", e.Topic, len(e.Failed), e.Total, e.Failed[0].ID, e.Failed[0].Err)
}

// Is reports whether every failed event's error is target.
func (e *PublishError) Is(target error) bool {
	for i := range e.Failed {
		if !errors.Is(e.Failed[i].Err, target) {
			return false
		}
	}
	return true
}

// As finds target in the first failed event's error.
func (e *PublishError) As(target any) bool { return errors.As(e.Failed[0].Err, target) }

// fated wraps what a driver reported into the sentinel for its fate.
func fated(fate driver.Fate, cause error) error {
	var sentinel error
	switch fate {
	case driver.Stored:
		return nil
	case driver.Unroutable:
		sentinel = ErrUnrouted
	case driver.Invalid:
		sentinel = ErrInvalid
	case driver.TooLarge:
		sentinel = ErrTooLarge
	case driver.Denied:
		sentinel = ErrDenied
	case driver.Unavailable:
		sentinel = ErrUnavailable
	default:
		sentinel = ErrUnconfirmed
	}
	if cause == nil || errors.Is(cause, sentinel) {
		return sentinel
	}
	return fmt.Errorf("%w: %w", sentinel, cause)
}

// cause is context.Cause with a plain error for contexts that ended without one.
func cause(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return ctx.Err()
}
