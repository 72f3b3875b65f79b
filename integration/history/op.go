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
	// Redriven: the event's dead letter is sent back to its group.
	Redriven Kind = "redriven"
	// Hurt: Member, or everybody if it is empty, may have lost what it held, and acks on their way: a fault, a disconnection, a rebalance.
	Hurt Kind = "hurt"
	// Fault begins fault number Count, of the row Note, and Healed ends it. They hurt Member, everybody if it is empty, and nobody if it is
	// Nobody.
	Fault Kind = "fault"
	// Healed ends a fault: the broker answers.
	Healed Kind = "healed"
	// Spared: the last fault, of the row Note, could not be injected.
	Spared Kind = "spared"
	// Forgot: a fault of the row Note has made the broker forget what the group has finished, so that anything may come again.
	Forgot Kind = "forgot"
	// Undoing: from now on the broker forgets what the group finishes, by what Note names, so that it may come again; until Undone.
	Undoing Kind = "undoing"
	// Undone: it forgets no more.
	Undone Kind = "undone"
	// Destroyed: fault number Count can have destroyed the event. Without an event: it is about to.
	Destroyed Kind = "destroyed"
	// Gap: Member was told that Count events are gone, or -1.
	Gap Kind = "gap"
	// Memory: Member has Count bytes of memory.
	Memory Kind = "memory"
	// Left: Count more of Note than at its beginning were left when Member had closed everything.
	Left Kind = "left"
	// Phase: the phase Note begins.
	Phase Kind = "phase"
)

// Rest is the Note of a Phase in which handlers rest until the fault that follows is healed.
const Rest = "rest"

// Interrupted is the Note of a Freed whose handler's context had ended: the event was taken away from the member.
const Interrupted = "interrupted"

// Nobody is the Member of a fault that excuses nothing.
const Nobody = "-"

// Op is one operation on one event. The events of a key have one publisher, which goes on to the next only when the one before is acked.
type Op struct {
	// At is when, in nanoseconds of the machine's monotonic clock; 0 in histories that were not written to files.
	At   int64 `json:"at,omitempty"`
	Kind Kind  `json:"kind"`
	// ID names the event, Seq is its number within its key, from 0.
	ID  string `json:"id,omitempty"`
	Key string `json:"key,omitempty"`
	Seq int    `json:"seq,omitempty"`
	// Group and Member say who handles.
	Group  string `json:"group,omitempty"`
	Member string `json:"member,omitempty"`
	// Count is a number, by kind.
	Count int64 `json:"count,omitempty"`
	// Over is by how many nanoseconds Publish has returned after its context had ended; 0 when it had not.
	Over int64 `json:"over,omitempty"`
	// Note is a name by kind, or for people.
	Note string `json:"note,omitempty"`
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
