package history

import (
	"iter"
	"time"
)

// Rules are what a history is judged by. Only Group is required; what is zero is not judged, but for Window.
type Rules struct {
	// Group is whose handling is judged.
	Group string
	// Window is how many events a member may hold unsettled: so many may come again when it was hurt, and no more.
	Window int
	// Reach is among how many of a member's last finished events those are that it had not settled; at least, and by default, the window. It is more
	// where the workers of a member are done with their events in another order than the one in which these are settled.
	Reach int
	// Grace is how long a fault, or a notice of one, and what it causes may lie apart, either way: a broker may give a member's events to another
	// one before the first has noticed anything, and a member that stood still handles what it holds when it goes on. It takes stamps.
	Grace time.Duration
	// Disordered says that the order of keys is not promised: several members, and none of them has a key for itself. Two members may have copies of
	// an event with a key at once then.
	Disordered bool
	// Strict also judges what only a whole recorded run shows: settlements of members that held nothing, handlers of one key that overlap in one
	// member, and faults after which more came again than a window for each member that they hurt, and what was published again.
	Strict bool
	// Recovery is how soon after a fault an event must be handled that was published after it.
	Recovery time.Duration
	// Stall is how long nothing may be handled while there is work. Time in which a fault goes on, or handlers rest before one, does not count.
	Stall time.Duration
	// Overrun is how much later than its context Publish may return, in 99 of 100 cases. It is judged from OverrunOf cases on.
	Overrun   time.Duration
	OverrunOf int
	// Streams are the words by which members tell what is gone from which stream, one for each partition, and Partition says where a key lies. Each
	// stream must be told of then; what names none is told of all.
	Streams   []string
	Partition func(key string) int
	// Memory is by how many bytes a member may grow after the warm phase.
	Memory int64
}

// Check judges a history for one group, in one pass. The history must end with a drain: without one, what is not handled yet counts as lost.
// The window is how many events a member may hold unsettled: so many of its last ones may come again when it was hurt, and no more.
func Check(ops []Op, group string, window int) Report {
	return Rules{Group: group, Window: window}.Judge(ops)
}

// Judge is Check for a history in memory.
func (r Rules) Judge(ops []Op) Report {
	report, _ := r.Check(func(yield func(Op, error) bool) {
		for _, o := range ops {
			if !yield(o, nil) {
				return
			}
		}
	})
	return report
}

// Check judges a history in one pass. It returns the first error of the sequence, with what it has judged until then.
func (r Rules) Check(ops iter.Seq2[Op, error]) (Report, error) {
	c := newChecker(r)
	for o, err := range ops {
		if err != nil {
			return c.end(), err
		}
		c.op(o)
	}
	return c.end(), nil
}
