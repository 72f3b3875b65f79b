package history

import (
	"fmt"
	"strings"
)

// Report is what Check found. The lists hold the operation at which each violation showed.
type Report struct {
	// Attempts, Acked, Unknown and Handled are counts of operations; Recovered is how many unknown events were handled after all.
	Attempts, Acked, Unknown, Handled, Recovered int
	// Duplicates is how many starts were not an event's first, Unexplained those for which there was no cause: no second publishing of the
	// event, and no member that lost it.
	Duplicates  int
	Unexplained []Op
	// Lost events were acked and neither handled nor dead in the end.
	Lost []Op
	// Unexpected events were never published; Phantom ones were refused, and came nevertheless.
	Unexpected, Phantom []Op
	// Reordered events began for the first time after a later one of their key had begun.
	Reordered []Op
	// Concurrent events began while another handler held them.
	Concurrent []Op
}

// state is what is known of one event.
type state struct {
	last    Op
	acked   bool
	refused bool
	unknown bool
	sunk    bool   // done or dead
	owner   string // the member whose handler runs
	copies  int    // how many copies the broker may hold
	used    int    // how many of them the starts have used
	starts  int
	freed   int // how many copies members have lost: so many of the next starts need no copy of their own
}

// checker is one pass over a history.
type checker struct {
	group  string
	window int
	report Report
	events map[string]*state
	newest map[string]int      // by key, the highest Seq that has begun
	done   map[string][]*state // by member, what it did last, at most window
}

// Check judges a history for one group, in one pass. The history must end with a drain: without one, what is not handled yet counts as lost.
// The window is how many events a member may hold unsettled: so many of its last ones may come again when it was hurt, and no more.
func Check(ops []Op, group string, window int) Report {
	c := &checker{group: group, window: window, events: map[string]*state{}, newest: map[string]int{}, done: map[string][]*state{}}
	for _, o := range ops {
		if o.Kind == Hurt {
			c.hurt(o.Member)
			continue
		}
		s := c.events[o.ID]
		if s == nil {
			s = &state{}
			c.events[o.ID] = s
		}
		s.last = o
		c.published(s, o)
		if o.Group == group {
			c.handled(s, o)
		}
	}
	for _, s := range c.events {
		if s.acked && !s.sunk {
			c.report.Lost = append(c.report.Lost, s.last)
		}
		if s.unknown && !s.acked && s.starts > 0 {
			c.report.Recovered++
		}
	}
	return c.report
}

func (c *checker) published(s *state, o Op) {
	switch o.Kind {
	case Attempt:
		c.report.Attempts++
		s.copies++
	case Acked:
		c.report.Acked++
		s.acked = true
	case Refused:
		s.refused = true
		s.copies--
	case Unknown:
		c.report.Unknown++
		s.unknown = true
	}
}

func (c *checker) handled(s *state, o Op) {
	switch o.Kind {
	case Start:
		c.started(s, o)
	case Done, Dead:
		if o.Kind == Done {
			c.report.Handled++
		}
		s.sunk = true
		if s.owner == o.Member {
			s.owner = ""
		}
		c.keep(o.Member, s)
	case Freed:
		s.freed++
		if s.owner == o.Member {
			s.owner = ""
		}
	}
}

// keep remembers what a member did last.
func (c *checker) keep(member string, s *state) {
	c.done[member] = append(c.done[member], s)
	if over := len(c.done[member]) - c.window; over > 0 {
		c.done[member] = c.done[member][over:]
	}
}

// hurt frees what the member, or everybody, holds, and what it did last.
func (c *checker) hurt(member string) {
	for name, last := range c.done {
		if member != "" && name != member {
			continue
		}
		for _, s := range last {
			s.freed++
		}
		delete(c.done, name)
	}
	for _, s := range c.events {
		if s.owner != "" && (member == "" || s.owner == member) {
			s.owner = ""
			s.freed++
		}
	}
}

func (c *checker) started(s *state, o Op) {
	r := &c.report
	s.starts++
	if s.freed > 0 {
		s.freed--
	} else {
		s.used++
	}
	switch {
	case s.copies == 0 && s.refused:
		r.Phantom = append(r.Phantom, o)
	case s.copies == 0:
		r.Unexpected = append(r.Unexpected, o)
	}
	if s.owner != "" {
		r.Concurrent = append(r.Concurrent, o)
	}
	if s.starts == 1 { // order is judged by first deliveries
		if newest, ok := c.newest[o.Key]; ok && o.Key != "" && o.Seq < newest {
			r.Reordered = append(r.Reordered, o)
		}
		c.newest[o.Key] = max(c.newest[o.Key], o.Seq)
	} else {
		r.Duplicates++
		if s.used > s.copies {
			r.Unexplained = append(r.Unexplained, o)
		}
	}
	s.owner = o.Member
}

// OK reports whether nothing was violated.
func (r Report) OK() bool {
	return len(r.Lost)+len(r.Unexpected)+len(r.Phantom)+len(r.Reordered)+len(r.Concurrent)+len(r.Unexplained) == 0
}

// String tells the figures, and the first of each kind of violation.
func (r Report) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d attempts, %d acked, %d unknown (%d of them handled), %d handled, %d duplicates",
		r.Attempts, r.Acked, r.Unknown, r.Recovered, r.Handled, r.Duplicates)
	for _, v := range []struct {
		name string
		ops  []Op
	}{
		{"lost", r.Lost},
		{"unexpected", r.Unexpected},
		{"phantom", r.Phantom},
		{"reordered", r.Reordered},
		{"concurrent", r.Concurrent},
		{"unexplained duplicates", r.Unexplained},
	} {
		if len(v.ops) > 0 {
			fmt.Fprintf(&text, "; %d %s, such as %+v", len(v.ops), v.name, v.ops[:min(3, len(v.ops))])
		}
	}
	return text.String()
}
