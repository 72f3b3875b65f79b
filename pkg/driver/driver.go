package driver

import "context"

// Driver is one connection (or set of connections) to one broker. Implementations must be safe for concurrent use.
type Driver interface {
	// Publisher returns the driver's one publisher. It must return the same value each time and must not block.
	Publisher() Publisher

	// Subscribe declares what spec needs (topic, group, inbox), checks the permissions for it, joins the group and returns once messages
	// can arrive. It must fail with an error that wraps [ErrUnsupported] for what the broker can't do, before anything is declared. ctx
	// bounds the opening only: the subscription lives until its Close, whatever becomes of ctx. While the broker is away it waits within
	// ctx. After the Driver's Close it fails with an error that wraps [ErrClosed]. A member that joins a group with partitions gets its
	// share of them: others hand some over.
	Subscribe(ctx context.Context, spec Spec) (Subscription, error)

	// Capabilities tells what this connection can do, and how. It must not block and must not change while the driver is open, but for
	// what Subscribe discovers about the server.
	Capabilities() Capabilities

	// Close ends the driver and all that was opened through it. It must be idempotent, safe at any moment, and must return by the time
	// ctx ends; it must then leave no goroutine, connection or consumer behind. Messages still unclaimed get the fate Unavailable,
	// claimed and unanswered ones Unconfirmed.
	Close(ctx context.Context) error
}

// Publisher takes messages for the broker. Implementations must be safe for concurrent use.
type Publisher interface {
	// Send queues msgs for the address in their order. Messages of one key, or of one Send, must be stored in the order in which Send took
	// them. Send waits for room (the queue must be bounded by count and by bytes) until ctx ends; ctx bounds nothing else. What found no
	// room gets the fate Unavailable with the context's cause. Send must not wait for the broker's answer.
	//
	// Every message gets exactly one r.Done, perhaps before Send returns. After Done the driver must not touch the message, its Headers or
	// its Body: the caller uses them again. A driver that keeps them copies them. It must not keep ctx. An address that the broker can't
	// serve (Keep, Log or an inbox where that feature is refused) gives the fate Invalid with [ErrUnsupported]. A batch must be sent when the line is idle and gathered
	// while one is in flight; no timer may hold a message back.
	Send(ctx context.Context, to Address, msgs []*Message, r Result)

	// Close refuses new messages (fate Unavailable, [ErrClosed]), waits for the fates of what was taken until ctx ends, and then fails the
	// rest as the Driver's Close does. It must be idempotent.
	Close(ctx context.Context) error
}

// Result receives the fates of one Send.
type Result interface {
	// Done is called exactly once per message, from any goroutine, with the message's index in the Send. err is nil for Stored and says
	// why otherwise. Implementations must not block and must not call back into the driver.
	Done(i int, fate Fate, err error)
}

// Waiter is a Result that tells what the caller of Send does next. Implementing it is optional.
type Waiter interface {
	// Waits reports whether the caller of Send only waits for the fates. Send may then read the broker's answer by itself, which spares the
	// change from one goroutine to another and back, for as long as an answer commonly takes: a few milliseconds at most, which ctx need
	// not end.
	Waits() bool
}

// Subscription is one member of a group, or one broadcast reader. Receive is called by one goroutine at a time; the other methods must be
// safe to call beside it.
type Subscription interface {
	// Receive waits for messages and returns at least one and at most max, holding at most maxBytes of bodies but always at least one
	// message. It must ask the broker for no more than what the Spec's window allows. It returns ctx's cause when ctx ends first, without
	// losing a message; io.EOF after Stop or Close; any other error is terminal and ends the subscription for good: connection trouble is
	// not such an error, the driver reconnects by itself. The slice is valid until the next Receive; each message until it is settled, and
	// its Headers and Body must be left unchanged by the driver and by the caller until then.
	Receive(ctx context.Context, max, maxBytes int) ([]*Message, error)

	// Settle takes outcomes in any order and never waits for the network. An outcome whose source is gone must be a no-op. The messages
	// must not be touched by the caller afterwards. The slice is the caller's again when Settle returns.
	Settle(outcomes []Outcome)

	// Stop ends intake: Receive returns io.EOF once it has nothing more to hand out, and hands out no message that was not already on its
	// way. What the caller holds stays its own until Close. Stop must not block and must be idempotent.
	Stop()

	// Close flushes settlements until ctx ends, releases what was not settled, leaves the group and returns. Other members must be able to
	// take what was released at once. Its sources are gone when it returns, and Spec.Settled has been told all acks. It must be idempotent
	// and safe at any moment; later outcomes are no-ops.
	Close(ctx context.Context) error
}

// Outcome is the verdict on one received message.
type Outcome struct {
	// Message is one that Receive returned and that has had no outcome yet.
	Message *Message
	// Verdict says what becomes of it.
	Verdict Verdict
}

// Verdict is what becomes of a received message.
type Verdict uint8

// Verdicts.
const (
	// Ack finishes the message for the group.
	Ack Verdict = iota
	// Release gives the message back unfinished, to be delivered again to any member. It is for stopping: on an ordered source it takes
	// all later unfinished messages of that source with it.
	Release
)
