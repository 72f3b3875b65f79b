package history

import "slices"

// gaps compares what members were told to be gone with what is.
type gaps struct {
	last int64                    // the last fault that destroys
	ids  map[int64]int            // by fault, how many it can have destroyed
	lost map[int64]int            // by fault, how many never came
	told map[int64]map[told]int64 // by fault; negative is an unknown number
	more int                      // further copies since the last fault that destroys: of events that were published again
}

// told is one thing that was told: a member that tells of two streams tells two things.
type told struct{ member, note string }

// destroyed notes that a fault can have destroyed an event, or, without an event, that it is about to. Members tell of entries, of which an event that
// was published again has several.
func (g *gaps) destroyed(o Op) {
	g.last = o.Count
	if o.ID != "" {
		g.ids[o.Count]++
		return
	}
	g.ids[o.Count] += g.more
	g.more = 0
}

// tell counts what a member was told of for the last fault that destroys: it may be noticed only when another one has begun.
func (g *gaps) tell(o Op) {
	by := g.told[g.last]
	if by == nil {
		by = map[told]int64{}
		g.told[g.last] = by
	}
	what := told{o.Member, o.Note}
	if o.Count < 0 || by[what] < 0 {
		by[what] = -1
		return
	}
	by[what] += o.Count
}

// sum is what was told of a fault: of what several members were told in the same words, the most counts once. -1 is an unknown number, -2 nothing.
func (g *gaps) sum(fault int64) int64 {
	if len(g.told[fault]) == 0 {
		return -2
	}
	most := map[string]int64{}
	for what, n := range g.told[fault] {
		if n < 0 {
			return -1
		}
		most[what.note] = max(most[what.note], n)
	}
	var sum int64
	for _, n := range most {
		sum += n
	}
	return sum
}

// judge demands that nothing is gone that nobody was told of. A told number covers what is gone, and no more than the fault can have destroyed.
func (g *gaps) judge(r *Report) {
	for number, lost := range g.lost {
		gap := GapReport{Fault: number, Lost: lost, Possible: g.ids[number], Told: g.sum(number)}
		r.Gaps = append(r.Gaps, gap)
		if gap.Told == -2 || gap.Told >= 0 && (gap.Told < int64(lost) || gap.Told > int64(gap.Possible)) {
			r.Misreported = append(r.Misreported, gap)
		}
	}
	slices.SortFunc(r.Gaps, func(a, b GapReport) int { return int(a.Fault - b.Fault) })
}
