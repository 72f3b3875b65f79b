package history

import (
	"fmt"
	"strings"
	"time"
)

// Report is what Check found. The lists hold the operation at which each violation showed.
type Report struct {
	// Attempts, Acked, Refused, Unknown, Handled and Dead are counts of operations; Recovered is how many unknown events were handled after all.
	Attempts, Acked, Refused, Unknown, Handled, Dead, Recovered int
	// Duplicates is how many starts were not an event's first, Unexplained those for which there was no cause: no second publishing of the
	// event, and no member that lost it. Causes counts the causes of the others; one of them may have let an event come a first time.
	Duplicates  int
	Unexplained []Op
	Causes      map[string]int
	// Lost events were acked and neither handled nor dead in the end. Of those, Prefix came before all that was handled of their key, Postfix
	// after it, Middle amid it or without a key. Destroyed is how many are not among them since a fault destroyed them.
	Lost                    []Op
	Prefix, Middle, Postfix int
	Destroyed               int
	// Unexpected events were never published; Phantom ones were refused, and came nevertheless.
	Unexpected, Phantom []Op
	// Reordered events began for the first time after a later one of their key had begun.
	Reordered []Op
	// Concurrent events began while another handler held them, and the broker had not as many copies of them as there were handlers; ConcurrentExcused
	// is how often one of the members was hurt, which is how a member that stood still must go on. CopiesAtOnce is how often an event of several
	// copies began while a handler held another one of them. SameKey events began while the same member's handler had another one of their key.
	Concurrent        []Op
	ConcurrentExcused int
	CopiesAtOnce      int
	SameKey           []Op
	// Stale events were done by a member that did not have them; StaleExcused is how often it was hurt.
	Stale        []Op
	StaleExcused int
	// Gaps holds for each fault that destroyed events what the members were told; Misreported those where that is not so.
	Gaps, Misreported []GapReport
	// Leaks tell what was left of something after all was closed. Left is how much that is, by its name, of all members; zero is told, too.
	Leaks []Op
	Left  map[string]int
	// Memory is the most bytes that a member had, Growth the most that one has grown since the warm phase; Bloated are those over the limit.
	// MemoryFirst and MemoryLast are those of the member that was there for the longest time.
	Memory, Growth          int64
	MemoryFirst, MemoryLast int64
	Bloated                 []Op
	// Crashes are the faults, in order, and what each has made come again; Excessive are those of them after which that was more than their bound.
	Crashes, Excessive []Crash
	// Rows is how often each row's fault was injected. Recoveries are the times from the end of a fault to the first event that was published and
	// handled after it, in order; Stuck names the rows after which there was none. Slow tells that the limit was missed.
	Rows       map[string]int
	Recoveries []time.Duration
	Stuck      []string
	Slow       bool
	// Longest is the longest time without anything handled while there was work, not counting the time of faults; Stalls are the ends of those over
	// the limit.
	Longest time.Duration
	Stalls  []Op
	// Overrun is how late Publish was after its context had ended, in 99 of 100 of the Overdue cases; Late that it was over the limit.
	Overdue int
	Overrun time.Duration
	Late    bool
}

// GapReport is one fault that destroyed events.
type GapReport struct {
	// Fault is its number, Lost how many events never came, Possible how many copies it can have destroyed, and Told what the members were told of:
	// -1 is a gap of unknown size, -2 nothing.
	Fault          int64
	Lost, Possible int
	Told           int64
	// Untold are the streams in which more is gone than was told of them.
	Untold []string
}

// Violations are the operations of one kind of violation.
type Violations struct {
	// Name is the kind's, in a few words.
	Name string
	// Ops are where it showed; Count may be larger, where a violation is no operation.
	Ops   []Op
	Count int
}

// Violations returns what was violated, the worst first.
func (r *Report) Violations() []Violations {
	var all []Violations
	for _, v := range []Violations{
		{"lost", r.Lost, len(r.Lost)},
		{"phantom", r.Phantom, len(r.Phantom)},
		{"unexpected", r.Unexpected, len(r.Unexpected)},
		{"reordered", r.Reordered, len(r.Reordered)},
		{"concurrent", r.Concurrent, len(r.Concurrent)},
		{"one key twice at once", r.SameKey, len(r.SameKey)},
		{"unexplained duplicates", r.Unexplained, len(r.Unexplained)},
		{"more duplicates than a fault explains", nil, len(r.Excessive)},
		{"stale settlements", r.Stale, len(r.Stale)},
		{"gaps not told as they are", nil, len(r.Misreported)},
		{"leaks", r.Leaks, len(r.Leaks)},
		{"memory grown", r.Bloated, len(r.Bloated)},
		{"no traffic after a fault", nil, len(r.Stuck)},
		{"stalls", r.Stalls, len(r.Stalls)},
		{"slow recovery", nil, one(r.Slow)},
		{"publish late", nil, one(r.Late)},
	} {
		if v.Count > 0 {
			all = append(all, v)
		}
	}
	return all
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// OK reports whether nothing was violated.
func (r Report) OK() bool { return len(r.Violations()) == 0 }

// RecoveryTime returns the time in which so many of a hundred recoveries were over; the longest for fewer than a hundred and 99.
func (r *Report) RecoveryTime(percent int) time.Duration {
	n := len(r.Recoveries)
	if n == 0 {
		return 0
	}
	return r.Recoveries[min(n*percent/100, n-1)]
}

// String tells the figures, and the first of each kind of violation.
func (r Report) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d attempts, %d acked, %d unknown (%d of them handled), %d handled, %d duplicates",
		r.Attempts, r.Acked, r.Unknown, r.Recovered, r.Handled, r.Duplicates)
	for _, v := range r.Violations() {
		fmt.Fprintf(&text, "; %d %s", v.Count, v.Name)
		if len(v.Ops) > 0 {
			fmt.Fprintf(&text, ", such as %+v", v.Ops[:min(3, len(v.Ops))])
		}
	}
	return text.String()
}
