package messaging

import (
	"context"
	"time"

	"github.com/herald-go/herald/envelope"
)

// Publisher publishes events. It will never have another method, so that decorators and fakes stay small.
type Publisher interface {
	// Publish stores events under a topic and returns nil only when the broker has taken responsibility for every one of them. Otherwise
	// it returns a *PublishError with the fate of each. It blocks until the broker has answered or ctx ends. Implementations must be
	// safe for concurrent use and must not change the events.
	Publish(ctx context.Context, topic string, events ...envelope.Event) error
}

// Subscriber subscribes handlers. It will never have another method.
type Subscriber interface {
	// Subscribe hands the topic's events to h until the Subscription is closed. ctx bounds opening only. Exactly one of Group and Broadcast
	// must be given, unless the broker has a service name, which is then the group.
	Subscribe(ctx context.Context, topic string, h Handler, opts ...SubscribeOption) (*Subscription, error)
}

// Handler handles events. Implementations must be safe for concurrent use: events of different keys are handled side by side.
type Handler interface {
	// Handle handles one delivery. A nil error finishes the event for the group. An error, a panic or runtime.Goexit is one failed
	// attempt, and the failure policy says what follows; the errors made by [Permanent], [RetryAfter], [Discard], [Snooze] and [Release]
	// say it themselves. Every event may come more than once: its ID is the idempotency key.
	//
	// ctx ends when the handler returns, when its time-out is over, when the event is taken away, or when draining is over; context.Cause
	// tells which (ErrHandlerTimeout, ErrRevoked, ErrDraining). Events published with ctx inherit the correlation of d.
	Handle(ctx context.Context, d *Delivery) error
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, d *Delivery) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, d *Delivery) error { return f(ctx, d) }

// Middleware wraps a handler into another. The chain is built once, when the subscription is opened.
type Middleware func(Handler) Handler

// Delivery is one attempt at one event. It and all it points to belong to the handler, which may keep and change them: other groups, later
// attempts and dead letters have their own.
type Delivery struct {
	envelope.Event

	// Topic and Group say for whom; Group is empty for a broadcast.
	Topic, Group string
	// Attempt is 1 the first time and counts every failed attempt before this one, across restarts and replicas, but for quick retries
	// that a crash cut short.
	Attempt int
	// Deliveries is the broker's own count of deliveries, 0 where it has none. It also counts what was no failure.
	Deliveries int
	// Position is where the event stands in its topic, as opaque text for After; empty where the broker has none, and for redeliveries
	// from the inbox.
	Position string
	// Foreign tells that no envelope was found: Data is the message's body, Type may be envelope.TypeForeign.
	Foreign bool
	// RandomID tells that a foreign message had no id of any kind: ID is new at each delivery and no idempotency key.
	RandomID bool
	// FirstFailed is when the first failed attempt was recorded; zero before.
	FirstFailed time.Time
	// Redrive is the id of the request that sent the event back from the dead letters; empty otherwise.
	Redrive string
}
