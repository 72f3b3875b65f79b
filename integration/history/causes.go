package history

import "slices"

// fund is what one hurt of one member explains: so many events, out of those that it had or did last, may come again, and it may begin so many that
// others have handled meanwhile, since it held them and had not begun. Together they are a window.
type fund struct {
	crash *Crash
	left  int
	until int64
	why   string
}

// pay takes one event from the fund.
func (f *fund) pay() {
	f.left--
	f.crash.Duplicates++
}

// free lets an event come once more. A start that had no cause has one now, if it was not long ago.
func (c *checker) free(s *state, o Op, why string) {
	if c.settle(s, o, why) {
		return
	}
	s.freed++
	s.why = why
}

// settle gives a cause to a start that had none, if there was one not long ago, or since a fault began that has lasted until now.
func (c *checker) settle(s *state, o Op, why string) bool {
	since := o.At
	if c.began > 0 {
		since = c.began
	}
	if c.rules.Grace == 0 || len(s.debts) == 0 || since-s.debts[0].At > int64(c.rules.Grace) {
		return false
	}
	s.debts = s.debts[1:]
	c.report.Causes[why]++
	return true
}

// hurt lets what the member, or everybody, holds and what it did last come again, a window of it.
func (c *checker) hurt(o Op, member, why string) {
	if why == "" {
		why = "hurt"
	}
	if member != "" {
		c.hurtOne(o, member, why)
		return
	}
	for name := range c.members {
		c.hurtOne(o, name, why)
	}
}

func (c *checker) hurtOne(o Op, member, why string) {
	c.crash.hurt(member)
	f := &fund{crash: c.crash, left: c.rules.Window, until: o.At + int64(c.rules.Grace), why: why}
	for _, s := range c.done[member] {
		s.copies.forked++
		c.lend(s, o, f)
	}
	delete(c.done, member)
	for s, times := range c.owned[member] {
		s.hands = slices.DeleteFunc(s.hands, func(of string) bool { return of == member })
		s.copies.forked++
		for range times {
			c.lend(s, o, f)
		}
	}
	delete(c.owned, member)
	for _, s := range c.parted[member] {
		s.copies.split++
	}
	delete(c.parted, member)
	if c.rules.Grace > 0 {
		c.credit[member] = f
	}
}

// lend lets an event come once more at the cost of a fund.
func (c *checker) lend(s *state, o Op, f *fund) {
	if f.left > 0 && c.settle(s, o, f.why) {
		f.pay()
		return
	}
	s.funds = append(s.funds, f)
}

// explain finds the cause of a start: one that came back, a copy of its own, or what a hurt member still held.
func (c *checker) explain(s *state, o Op) {
	switch {
	case s.freed > 0:
		s.freed--
		c.report.Causes[s.why]++
	case s.used < max(s.copies.published, 1):
		s.used++
		if s.starts > 1 {
			c.report.Causes["published again"]++
		}
		if s.starts > 1 && s.unknownIn != nil {
			s.unknownIn.Duplicates++
		}
	case c.draw(s):
	case c.spend(o):
	default:
		if len(s.debts) == 0 {
			c.debtor = append(c.debtor, s)
		}
		s.debts = append(s.debts, o)
	}
}

// draw takes what an event needs from the first of its funds that has anything. Each fund gives to an event as often as the event was in it.
func (c *checker) draw(s *state) bool {
	for len(s.funds) > 0 {
		f := s.funds[0]
		s.funds = s.funds[1:]
		if f.left > 0 {
			f.pay()
			c.report.Causes[f.why]++
			return true
		}
	}
	return false
}

func (c *checker) spend(o Op) bool {
	if o.At > 0 && c.forgot.why != "" && c.meter.calm(o.At) <= c.forgot.until { // who reads it again may be hurt by further faults first
		c.report.Causes[c.forgot.why]++
		return true
	}
	f := c.credit[o.Member]
	if f == nil || f.left == 0 || o.At > f.until {
		return false
	}
	f.pay()
	c.report.Causes[f.why]++
	return true
}
