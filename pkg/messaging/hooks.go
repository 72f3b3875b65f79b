package messaging

import (
	"context"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/driver"
)

// Notice is something that happened and that no call returns: a connection that came or went, a gap, a rebalance.
type Notice = driver.Notice

// Kinds of notice.
const (
	// Connected: the broker answers (again).
	Connected = driver.Connected
	// Disconnected: the broker is away.
	Disconnected = driver.Disconnected
	// Gap: events are gone that a group or reader never handled; Count is how many, or -1.
	Gap = driver.Gap
	// Rebalanced: sources were gained or lost.
	Rebalanced = driver.Rebalanced
	// Mismatch: members of a group disagree.
	Mismatch = driver.Mismatch
)

// Hooks are optional functions for metrics, tracing and logging. A nil one costs nothing. They are called from the goroutines that do the
// work and must be fast, safe for concurrent use, and must not call back into the broker.
type Hooks struct {
	// Publish is called before events are encoded. It may return another context, and may change the events it is given (they are copies;
	// Data and Headers must not be written into), for example to set TraceParent. The function it returns, if any, gets the outcome.
	Publish func(ctx context.Context, topic string, events []envelope.Event) (context.Context, func(error))
	// Handle is called before each attempt, with the handler's context. It may return another. The function it returns, if any, gets the
	// handler's error.
	Handle func(ctx context.Context, d *Delivery) (context.Context, func(error))
	// Retry is called with an attempt that failed and will be followed by another, not before in has passed. later tells that it goes
	// through the inbox.
	Retry func(d *Delivery, err error, in time.Duration, later bool)
	// DeadLetter is called when a dead letter is stored.
	DeadLetter func(l *DeadLetter)
	// Discard is called when an event is dropped: by Discard, or from a broadcast after its last quick try.
	Discard func(d *Delivery, err error)
	// Stuck is called when a handler still runs ten seconds after its time-out, and again each time as long has passed. It is also called,
	// once, when the event of a running handler has been held for three quarters of Capabilities.HoldLimit, whatever its time-out: soon the
	// broker takes it away.
	Stuck func(d *Delivery, running time.Duration)
	// Notice is called with what happens at the broker.
	Notice func(n Notice)
}
