package history

import (
	"slices"
	"strings"
)

// gaps compares what members were told to be gone with what is.
type gaps struct {
	last int64                    // the last fault that destroys
	ids  map[int64]int            // by fault, how many it can have destroyed
	lost map[int64]int            // by fault, how many never came
	in   map[int64]map[int]int    // by fault and partition, how many of those with a key
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

// gone notes that a fault has destroyed an event that never came, in a partition if that is known.
func (g *gaps) gone(fault int64, partition int) {
	g.lost[fault]++
	if partition < 0 {
		return
	}
	if g.in[fault] == nil {
		g.in[fault] = map[int]int{}
	}
	g.in[fault][partition]++
}

// sum is what was told of a fault in words that count: of what several members were told in the same ones, the most counts once. -1 is an unknown
// number, -2 nothing.
func (g *gaps) sum(fault int64, counts func(note string) bool) int64 {
	most := map[string]int64{}
	for what, n := range g.told[fault] {
		if !counts(what.note) {
			continue
		}
		if n < 0 {
			return -1
		}
		most[what.note] = max(most[what.note], n)
	}
	if len(most) == 0 {
		return -2
	}
	var sum int64
	for _, n := range most {
		sum += n
	}
	return sum
}

// untold are the streams in which more is gone than what names them, or no stream at all, has told.
func (g *gaps) untold(fault int64, streams []string) []string {
	var some []string
	for i, name := range streams {
		lost := g.in[fault][i]
		told := g.sum(fault, func(note string) bool {
			return strings.Contains(note, name) || !slices.ContainsFunc(streams, func(other string) bool { return strings.Contains(note, other) })
		})
		if lost > 0 && told != -1 && told < int64(lost) {
			some = append(some, name)
		}
	}
	return some
}

// judge demands that nothing is gone that nobody was told of, in no stream. A told number covers what is gone, and no more than the fault can have
// destroyed.
func (g *gaps) judge(r *Report, streams []string) {
	for number, lost := range g.lost {
		all := func(string) bool { return true }
		gap := GapReport{Fault: number, Lost: lost, Possible: g.ids[number], Told: g.sum(number, all), Untold: g.untold(number, streams)}
		r.Gaps = append(r.Gaps, gap)
		if gap.Told == -2 || gap.Told >= 0 && (gap.Told < int64(lost) || gap.Told > int64(gap.Possible)) || len(gap.Untold) > 0 {
			r.Misreported = append(r.Misreported, gap)
		}
	}
	byFault := func(a, b GapReport) int { return int(a.Fault - b.Fault) }
	slices.SortFunc(r.Gaps, byFault)
	slices.SortFunc(r.Misreported, byFault)
}
