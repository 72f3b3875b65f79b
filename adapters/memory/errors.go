package memory

import (
	"errors"
	"fmt"
)

// ErrInjected is wrapped by the errors of failures that Config.Faults asked for.
var ErrInjected = errors.New("injected fault")

// Reasons that are worth their words.
var (
	errNoGroup      = errors.New("topic has no group: subscribe or declare one first, or publish with unrouted keep or drop")
	errNoInbox      = errors.New("group has never been subscribed, so it has no inbox")
	errKeepRefused  = errors.New("events can't be kept for groups to come")
	errOtherTypes   = errors.New("live members have another type filter")
	errTrimmedAhead = errors.New("retention has overtaken the reader")
)

// fail gives an error its operation and topic.
func fail(op, topic string, err error) error {
	if topic == "" {
		return fmt.Errorf("memory: %s: %w", op, err)
	}
	return fmt.Errorf("memory: %s %s: %w", op, topic, err)
}

// because wraps a sentinel of package driver beside its reason.
func because(sentinel, reason error) error { return fmt.Errorf("%w: %w", sentinel, reason) }
