package history

import "slices"

// end judges what is known in the end alone.
func (c *checker) end() Report {
	r := &c.report
	for _, x := range c.clash {
		c.judgeClash(x)
	}
	for _, s := range c.debtor {
		r.Unexplained = append(r.Unexplained, s.debts...)
	}
	slices.SortStableFunc(r.Unexplained, func(a, b Op) int { return int(a.At - b.At) })
	for id, s := range c.events {
		if s.acked && !s.sunk {
			c.lost(id, s)
		}
		if s.unknown && !s.acked && s.starts > 0 {
			r.Recovered++
		}
	}
	for _, x := range c.crashes {
		x.hurts = nil
		r.Crashes = append(r.Crashes, *x)
		if c.rules.Strict && x.Duplicates > x.Bound(c.rules.Window) {
			r.Excessive = append(r.Excessive, *x)
		}
	}
	c.parts()
	c.gaps.judge(r, c.rules.Streams)
	c.meter.judge(r)
	return *r
}

func (c *checker) lost(id string, s *state) {
	if s.destroyed != 0 {
		c.report.Destroyed++
		if !s.again { // else nobody knows which of the faults it was
			partition := -1
			if s.last.Key != "" && c.rules.Partition != nil {
				partition = c.rules.Partition(s.last.Key)
			}
			c.gaps.gone(s.destroyed, partition)
		}
		return
	}
	s.last.ID = id
	c.report.Lost = append(c.report.Lost, s.last)
}

// parts tells how the lost ones lie among those of their key: in front of all that was handled, behind it, or amid it.
func (c *checker) parts() {
	r := &c.report
	slices.SortFunc(r.Lost, func(a, b Op) int { return int(a.At - b.At) })
	if len(r.Lost) == 0 {
		return
	}
	first, last := map[string]int{}, map[string]int{}
	for _, s := range c.events {
		if !s.sunk || s.last.Key == "" {
			continue
		}
		key, seq := s.last.Key, s.last.Seq
		if n, ok := first[key]; !ok || seq < n {
			first[key] = seq
		}
		last[key] = max(last[key], seq)
	}
	for _, o := range r.Lost {
		begin, some := first[o.Key]
		switch {
		case o.Key == "" || some && begin < o.Seq && o.Seq < last[o.Key]:
			r.Middle++
		case some && o.Seq < begin:
			r.Prefix++
		default:
			r.Postfix++
		}
	}
}
