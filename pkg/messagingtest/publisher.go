package messagingtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// Publisher is a messaging.Publisher without a broker: it records what it is given and fails on demand. It is safe for concurrent use.
type Publisher struct {
	t TB

	mu        sync.Mutex
	published map[string]*events
	next      []error
	fate      func(topic string, e envelope.Event) error
}

var _ messaging.Publisher = (*Publisher)(nil)

// NewPublisher returns a publisher that stores everything. t is failed by what reads the records.
func NewPublisher(t TB) *Publisher {
	return &Publisher{t: t, published: make(map[string]*events)}
}

func (p *Publisher) recorder() TB { return p.t }

// Published implements Recorder. An event whose fate was ErrUnconfirmed is not among them.
func (p *Publisher) Published(topic string) []envelope.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.published[topic].copies()
}

// FailNext makes the next call of Publish fail for each of its events; said again, the call after that. err wraps one of the fates, such as
// messaging.ErrUnavailable; any other error is the cause of a messaging.ErrUnconfirmed, as at a broker that can't tell. Nil lets a call pass.
func (p *Publisher) FailNext(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = append(p.next, err)
}

// FailIf decides each event's fate from now on: f returns nil for one that is stored, else what FailNext takes. It is called with the event
// as it would be stored, and must not call the publisher. A nil f stores everything. What FailNext asked for comes first.
func (p *Publisher) FailIf(f func(topic string, e envelope.Event) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = f
}

// Publish implements messaging.Publisher: it fills in what a broker fills in, refuses with ErrInvalid and ErrTooLarge what a broker refuses,
// and with ErrUnavailable when ctx has ended. An error is a *messaging.PublishError that names each event that was not stored.
func (p *Publisher) Publish(ctx context.Context, topic string, list ...envelope.Event) error {
	if len(list) == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var whole error
	if len(p.next) > 0 {
		whole, p.next = p.next[0], p.next[1:]
	}
	if ctx.Err() != nil {
		whole = fmt.Errorf("%w: %w", messaging.ErrUnavailable, context.Cause(ctx))
	}
	failed := &messaging.PublishError{Broker: "messagingtest", Topic: topic, Total: len(list)}
	for i, e := range list {
		e = complete(ctx, e)
		err := e.Validate(envelope.Limits{})
		if err == nil {
			err = whole
		}
		if err == nil && p.fate != nil {
			err = p.fate(topic, e.Clone())
		}
		if err != nil {
			failed.Failed = append(failed.Failed, messaging.EventError{Index: i, ID: e.ID, Err: fated(err)})
			continue
		}
		of(p.published, topic).add(&e)
	}
	if failed.Failed != nil {
		return failed
	}
	return nil
}

// fates are the sentinels of which each failed event's error wraps one.
var fates = []error{
	messaging.ErrInvalid, messaging.ErrTooLarge, messaging.ErrDenied, messaging.ErrUnavailable, messaging.ErrUnconfirmed, messaging.ErrUnrouted,
}

// fated wraps an error that is no fate.
func fated(err error) error {
	if slices.ContainsFunc(fates, func(f error) bool { return errors.Is(err, f) }) {
		return err
	}
	return fmt.Errorf("%w: %w", messaging.ErrUnconfirmed, err)
}
