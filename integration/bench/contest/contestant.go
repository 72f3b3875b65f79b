package contest

import (
	"context"
	"errors"
	"sync/atomic"
)

// Profile says what a contestant is and what its user may rely on.
type Profile struct {
	// Name is short: it heads a column.
	Name string
	// Broker is what it talks to.
	Broker string
	// Library is the module and its version, or the tool.
	Library string
	// Settings are what was set, and what is promised for it.
	Settings string
	// Weaker says in what the promise falls short of the others': such a contestant is not ranked.
	Weaker string `json:",omitempty"`
	// Raw marks the contestant that the others are measured against, for each work that it can do; Basis picks among several.
	Raw bool `json:",omitempty"`
}

// Contestant is one client, or one way to use it.
type Contestant interface {
	// Profile says what it is.
	Profile() Profile
	// Prepare makes the task's topics with their groups and stores Task.Fills events of the contestant's own form. It is not measured.
	Prepare(ctx context.Context, t *Task, events *Events) error
	// Open connects. The work begins when it has returned.
	Open(ctx context.Context, t *Task, events *Events) (Session, error)
	// Clean removes what Prepare and the work have made.
	Clean(ctx context.Context, t *Task) error
}

// Tool is a contestant that is a program of the broker's own: Exec runs it where the broker is, and Rate reads what it prints.
type Tool interface {
	Contestant
	// Command returns the command line, or an error that wraps ErrCannot.
	Command(t *Task) ([]string, error)
	// Rate returns the events a second from what the command has printed.
	Rate(output string) (float64, error)
}

// Outside marks a Tool that comes with no broker: it runs on this machine.
type Outside interface {
	Tool
	// Outside does nothing.
	Outside()
}

// Session is an open contestant. A method that it has no way to do returns an error that wraps ErrCannot.
type Session interface {
	// Send publishes the events from up to but without to in one call and returns when all are acknowledged. Many call it at once.
	Send(ctx context.Context, from, to int) error
	// Stream publishes them without waiting for each, and returns when all are acknowledged.
	Stream(ctx context.Context, from, to int) error
	// Consume hands events to c.Handle until ctx ends, and then returns nil. ready is called once when the group is joined, as far as the
	// client can tell.
	Consume(ctx context.Context, c Consumption, ready func()) error
	// Close disconnects.
	Close(ctx context.Context) error
}

// Consumption is how events are consumed.
type Consumption struct {
	// Group is the group.
	Group string
	// Workers is how many handlers run at once, with the events of a key in order; one leaves it to the contestant.
	Workers int
	// Retries is how often a failed event is tried again before it becomes a dead letter; 0 is for handlers that never fail.
	Retries int
	// Handle handles an event's data. It is safe for concurrent use.
	Handle func(body []byte) error
	// Dead is called when a dead letter is stored.
	Dead func()
}

// ErrCannot is wrapped by what a contestant returns for a work that it can't do.
var ErrCannot = errors.New("not to be had")

// Cannot returns an error that wraps ErrCannot and says why.
func Cannot(why string) error { return &cannot{why} }

type cannot struct{ why string }

func (e *cannot) Error() string { return e.why }
func (e *cannot) Unwrap() error { return ErrCannot }

// Events are what is published. They are made on demand, so that no contestant pays for those of another.
type Events struct {
	size   int
	keys   []string
	shared []byte // the data of all events, where numbers and times do not matter
	bodies atomic.Pointer[func(i int) []byte]
}

// NewEvents makes the events of a task.
func NewEvents(t *Task) *Events {
	e := &Events{size: t.Params.Size, keys: make([]string, max(1, t.Params.Keys))}
	for i := range e.keys {
		e.keys[i] = key(i)
	}
	e.shared = make([]byte, max(e.size, head))
	return e
}

func key(i int) string {
	const digits = "0123456789abcdef"
	name := []byte("key-00000")
	for at := len(name) - 1; i > 0 && at > 3; at, i = at-1, i/16 {
		name[at] = digits[i%16]
	}
	return string(name)
}

// Key returns the key of event i.
func (e *Events) Key(i int) string { return e.keys[i%len(e.keys)] }

// Body returns the data of event i. It may not be written to.
func (e *Events) Body(i int) []byte {
	if f := e.bodies.Load(); f != nil {
		return (*f)(i)
	}
	return e.shared
}

// Make lets f make the data from now on.
func (e *Events) Make(f func(i int) []byte) { e.bodies.Store(&f) }
