package history

// Crash is a fault, and what it has made come again until the next one began.
type Crash struct {
	// Fault is its number, and Row its name.
	Fault int64
	Row   string
	// Members is how many members it, or a notice after it, has hurt.
	Members int
	// Unknown is how many publishings became unknown, and Duplicates how many events came again since members were hurt, or since they were published
	// again after that. What a fault has made the broker forget is not among them.
	Unknown, Duplicates int

	hurts map[string]struct{}
}

// Bound is how many duplicates the fault explains, if members hold so many events each: what they held, and what was published again.
func (x *Crash) Bound(window int) int { return window*x.Members + x.Unknown }

// hurt counts a member once.
func (x *Crash) hurt(member string) {
	if _, known := x.hurts[member]; known {
		return
	}
	if x.hurts == nil {
		x.hurts = map[string]struct{}{}
	}
	x.hurts[member] = struct{}{}
	x.Members++
}

// crashed begins to count for a fault.
func (c *checker) crashed(o Op) {
	c.crash = &Crash{Fault: o.Count, Row: o.Note}
	c.crashes = append(c.crashes, c.crash)
}
