package history

import "slices"

// copies counts the messages that the broker may have of one event: as many of them may be in hand at once, whatever happens.
type copies struct {
	attempts  int
	published int // of them, those that were not refused
	split     int // failed attempts that a fault may have kept from being settled when the copy for the next one was stored
	forked    int // faults that may have brought it to another handler, so that it may end twice
	redriven  int // dead letters that were sent back
	clashes   []*claim
}

// claim is how many copies there were when so many handlers had the event at once.
type claim struct{ hands, attempt, stored int }

func (s *copies) attempt() {
	s.attempts++
	s.published++
}

// refuse takes back what the last attempt may have stored, also from what was held to be explained by it.
func (s *copies) refuse() {
	s.published--
	for _, x := range s.clashes {
		if x.attempt == s.attempts {
			x.stored--
		}
	}
}

// stored is how many copies there may be. A dead letter that is sent back is a publishing of its own; there are two dead letters of one event only
// where there were two copies of it, or a fault may have let its one copy be handled twice.
func (s *copies) stored() int {
	n := max(s.published, 1) + s.split
	return max(n, min(s.redriven, n+s.forked))
}

func (s *copies) claim(hands int) *claim {
	x := &claim{hands: hands, attempt: s.attempts, stored: s.stored()}
	s.clashes = append(s.clashes, x)
	return x
}

// clash is something that only a member that was hurt may do, or that copies explain; which is so is known in the end.
type clash struct {
	op      Op
	others  []string // the members with which it clashes
	claim   *claim   // nil where copies explain nothing
	list    *[]Op
	excused *int // nil where hurt members explain nothing
}

// takes notes that a handler begins. Where others have the event, each may have a copy of its own. The copies of an event with a key go one after the
// other where keys have their order, so that only a member that was hurt explains two of them; and one member never has two of them in hand, not
// even where it was hurt meanwhile.
func (c *checker) takes(s *state, o Op) {
	r := &c.report
	own := slices.Contains(s.hands, o.Member)
	again := c.rules.Strict && c.keys[keyed{o.Member, o.Key}] == o.ID
	switch {
	case o.Key != "" && (own || again):
		r.Concurrent = append(r.Concurrent, o)
	case len(s.hands) > 0:
		x := clash{op: o, others: slices.Clone(s.hands), list: &r.Concurrent}
		if o.Key == "" || c.rules.Disordered {
			x.claim = s.copies.claim(len(s.hands) + 1)
		}
		if !own {
			x.excused = &r.ConcurrentExcused
		}
		c.clash = append(c.clash, x)
	}
	s.hands = append(s.hands, o.Member)
	if c.owned[o.Member] == nil {
		c.owned[o.Member] = map[*state]int{}
	}
	c.owned[o.Member][s]++
	c.join(s, o)
}

// release ends the hold of a member's handler on an event.
func (c *checker) release(s *state, o Op) {
	if i := slices.Index(s.hands, o.Member); i >= 0 {
		s.hands = slices.Delete(s.hands, i, i+1)
	}
	if held := c.owned[o.Member]; held[s] > 1 {
		held[s]--
	} else {
		delete(held, s)
	}
	if at := (keyed{o.Member, o.Key}); c.keys[at] == o.ID {
		delete(c.keys, at)
	}
}

// part remembers that a member's attempt has failed: if it is hurt soon, the event may be with the broker twice, as it was and for the next attempt.
func (c *checker) part(s *state, o Op) {
	if o.Note != Interrupted && !slices.Contains(c.parted[o.Member], s) {
		c.parted[o.Member] = c.keep(c.parted[o.Member], s)
	}
}

// join forgets that an attempt has failed: the member has the event again, or it is at its end.
func (c *checker) join(s *state, o Op) {
	c.parted[o.Member] = slices.DeleteFunc(c.parted[o.Member], func(of *state) bool { return of == s })
}

func (c *checker) judgeClash(x clash) {
	switch {
	case x.claim != nil && x.claim.hands <= x.claim.stored:
		c.report.CopiesAtOnce++
	case x.excused != nil && (c.wasHurt(x.op.Member, x.op.At) || slices.ContainsFunc(x.others, func(m string) bool { return c.wasHurt(m, x.op.At) })):
		*x.excused++
	default:
		*x.list = append(*x.list, x.op)
	}
}
