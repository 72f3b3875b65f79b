package history

import "slices"

// state is what is known of one event.
type state struct {
	last      Op
	acked     bool
	refused   bool
	unknown   bool
	sunk      bool     // done or dead
	hands     []string // the members whose handlers run, one for each handler
	copies    copies
	used      int // how many of them the starts have used
	starts    int
	freed     int     // how many copies have come back: so many of the next starts need no copy of their own
	why       string  // by what, the last of them
	funds     []*fund // of members that had it when they were hurt: each may let it come once more
	destroyed int64   // the last fault that can have destroyed it
	again     bool    // another one can, too
	debts     []Op    // starts that had no cause until now
	unknownIn *Crash  // the fault before which its last publishing was unknown
}

// checker is one pass over a history.
type checker struct {
	rules   Rules
	report  Report
	events  map[string]*state
	newest  map[string]int            // by key, the highest Seq that has begun
	done    map[string][]*state       // by member, what it did last, as far as the rules reach
	owned   map[string]map[*state]int // by member, what its handlers have, and how many of them
	parted  map[string][]*state       // by member, whose attempts have failed last, as far as the rules reach
	members map[string]struct{}
	keys    map[keyed]string     // by member and key, the event whose handler runs
	credit  map[string]*fund     // by member that was hurt, the last one
	hurts   map[string][]hurting // by member, "" for everybody: when
	faults  map[int64]*fault
	meter   meter
	gaps    gaps
	forgot  fund   // what the broker has forgotten to be finished: as much as there is
	began   int64  // when the fault began that hurts just now
	undoing string // by what the broker forgets just now what is finished
	debtor  []*state
	clash   []clash
	crash   *Crash // the last fault, and all of them
	crashes []*Crash
}

type keyed struct{ member, key string }

// hurting is a time during which a member, or everybody, was hurt.
type hurting struct{ from, to int64 }

type fault struct {
	row, member string
	began       int64
}

func newChecker(r Rules) *checker {
	return &checker{
		rules: r, events: map[string]*state{}, newest: map[string]int{}, done: map[string][]*state{}, owned: map[string]map[*state]int{},
		parted: map[string][]*state{}, crash: &Crash{}, keys: map[keyed]string{}, credit: map[string]*fund{}, members: map[string]struct{}{}, hurts: map[string][]hurting{}, faults: map[int64]*fault{},
		report: Report{Causes: map[string]int{}, Rows: map[string]int{}, Left: map[string]int{}}, meter: newMeter(r), gaps: gaps{ids: map[int64]int{}, told: map[int64]map[told]int64{}, lost: map[int64]int{}, in: map[int64]map[int]int{}},
	}
}

func (c *checker) op(o Op) {
	c.meter.op(o)
	switch o.Kind {
	case Hurt:
		c.hurt(o, o.Member, o.Note)
		c.hurts[o.Member] = append(c.hurts[o.Member], hurting{o.At, o.At})
		return
	case Fault, Healed:
		c.fault(o)
		return
	case Spared:
		c.report.Rows[o.Note]--
		return
	case Forgot:
		c.forgot = fund{until: c.meter.calm(o.At) + int64(c.rules.Grace), why: o.Note}
		return
	case Undoing:
		c.undoing = o.Note
		return
	case Undone:
		c.undoing = ""
		return
	case Gap:
		c.gaps.tell(o)
		return
	case Memory, Phase:
		return
	case Left:
		c.report.Left[o.Note] += int(o.Count)
		if o.Count > 0 {
			c.report.Leaks = append(c.report.Leaks, o)
		}
		return
	}
	if o.Kind == Destroyed {
		c.gaps.destroyed(o)
		if o.ID == "" {
			return
		}
	}
	s := c.events[o.ID]
	if s == nil {
		s = &state{}
		c.events[o.ID] = s
	}
	if o.Kind == Destroyed {
		s.again = s.destroyed != 0
		s.destroyed = o.Count
		return
	}
	s.last = o
	c.published(s, o)
	if o.Group == c.rules.Group {
		c.handled(s, o)
	}
}

func (c *checker) published(s *state, o Op) {
	switch o.Kind {
	case Attempt:
		c.report.Attempts++
		if s.copies.published > 0 {
			c.gaps.more++
		}
		s.copies.attempt()
	case Acked:
		c.report.Acked++
		s.acked = true
	case Refused:
		c.report.Refused++
		s.refused = true
		s.copies.refuse()
		if s.copies.published > 0 && c.gaps.more > 0 {
			c.gaps.more--
		}
	case Unknown:
		c.report.Unknown++
		s.unknown = true
		c.crash.Unknown++
		s.unknownIn = c.crash
	}
}

func (c *checker) handled(s *state, o Op) {
	switch o.Kind {
	case Start:
		c.started(s, o)
	case Done, Dead:
		c.finished(s, o)
	case Freed:
		c.free(s, o, "a failed attempt")
		c.release(s, o)
		c.part(s, o)
	case Redriven:
		s.sunk = false
		s.copies.redriven++
		c.free(s, o, "redriven")
	}
}

func (c *checker) finished(s *state, o Op) {
	if o.Kind == Done {
		c.report.Handled++
	} else if !s.sunk {
		c.report.Dead++
	}
	if o.Kind == Done && c.owned[o.Member][s] == 0 && c.rules.Strict {
		c.clash = append(c.clash, clash{op: o, others: []string{o.Member}, list: &c.report.Stale, excused: &c.report.StaleExcused})
	}
	s.sunk = true
	c.join(s, o)
	if o.Kind == Done { // who gives up has ended with a freed
		c.release(s, o)
	}
	if c.undoing != "" {
		c.free(s, o, c.undoing)
		return
	}
	c.done[o.Member] = c.keep(c.done[o.Member], s)
}

// keep remembers what a member did last.
func (c *checker) keep(last []*state, s *state) []*state {
	last = append(last, s)
	return last[max(len(last)-max(c.rules.Window, c.rules.Reach), 0):]
}

func (c *checker) fault(o Op) {
	f := c.faults[o.Count]
	if o.Kind == Fault {
		f = &fault{row: o.Note, member: o.Member, began: o.At}
		c.faults[o.Count] = f
		c.report.Rows[o.Note]++
		c.crashed(o)
	}
	if f == nil || f.member == Nobody {
		return
	}
	c.began = f.began
	c.hurt(o, f.member, f.row)
	c.began = 0
	c.hurts[f.member] = append(c.hurts[f.member], hurting{f.began, o.At})
}

func (c *checker) started(s *state, o Op) {
	r := &c.report
	s.starts++
	switch {
	case s.copies.published == 0 && s.refused:
		r.Phantom = append(r.Phantom, o)
	case s.copies.published == 0:
		r.Unexpected = append(r.Unexpected, o)
	}
	c.takes(s, o)
	if s.starts == 1 { // order is judged by first deliveries
		if newest, ok := c.newest[o.Key]; ok && o.Key != "" && o.Seq < newest && !c.rules.Disordered {
			r.Reordered = append(r.Reordered, o)
		}
		c.newest[o.Key] = max(c.newest[o.Key], o.Seq)
	} else {
		r.Duplicates++
	}
	c.explain(s, o)
	c.members[o.Member] = struct{}{}
	c.sameKey(o)
}

func (c *checker) sameKey(o Op) {
	if o.Key == "" || !c.rules.Strict {
		return
	}
	at := keyed{o.Member, o.Key}
	if running := c.keys[at]; running != "" && running != o.ID {
		c.report.SameKey = append(c.report.SameKey, o)
	}
	c.keys[at] = o.ID
}

// wasHurt reports whether a member was hurt about that time.
func (c *checker) wasHurt(member string, at int64) bool {
	if c.rules.Grace == 0 {
		return false // without stamps a hurt member's events have no owner already
	}
	grace := int64(c.rules.Grace)
	near := func(h hurting) bool { return h.from-grace <= at && at <= h.to+grace }
	return slices.ContainsFunc(c.hurts[member], near) || slices.ContainsFunc(c.hurts[""], near)
}
