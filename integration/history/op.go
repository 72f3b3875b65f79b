package history

import "sync"

// Kind is the kind of an operation.
type Kind string

// The kinds of operation.
const (
	// Attempt: Publish is about to be called.
	Attempt Kind = "attempt"
	// Acked: Publish returned nil.
	Acked Kind = "acked"
	// Refused: Publish promised that the event is not stored.
	Refused Kind = "refused"
	// Unknown: Publish returned any other error.
	Unknown Kind = "unknown"
	// Start: a handler of Member began.
	Start Kind = "start"
	// Done: that handler returned nil.
	Done Kind = "done"
	// Dead: a dead letter holds the event.
	Dead Kind = "dead"
	// Freed: Member does not hold the event any more, though it is not done: a failed attempt, a lost connection, a revoked partition.
	Freed Kind = "freed"
	// Hurt: Member, or everybody if it is empty, may have lost what it held, and acks on their way: a fault, a disconnection, a rebalance.
	Hurt Kind = "hurt"
)

// Op is one operation on one event. The events of a key have one publisher, which goes on to the next only when the one before is acked.
type Op struct {
	Kind Kind `json:"kind"`
	// ID names the event, Seq is its number within its key, from 0.
	ID  string `json:"id"`
	Key string `json:"key,omitempty"`
	Seq int    `json:"seq,omitempty"`
	// Group and Member say who handles.
	Group  string `json:"group,omitempty"`
	Member string `json:"member,omitempty"`
}

// Log is a history in memory. The zero value is ready, and it is safe for concurrent use: the order in which Add is called is the order of
// the history.
type Log struct {
	mu  sync.Mutex
	ops []Op
}

// Add appends an operation.
func (l *Log) Add(o Op) {
	l.mu.Lock()
	l.ops = append(l.ops, o)
	l.mu.Unlock()
}

// Ops returns what was added so far. The caller must not change it.
func (l *Log) Ops() []Op {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ops[:len(l.ops):len(l.ops)]
}
