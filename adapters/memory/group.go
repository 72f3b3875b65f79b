package memory

import (
	"fmt"
	"slices"

	"github.com/herald-go/herald/pkg/driver"
)

// group is a cursor over a topic with an inbox. A broadcast is a group of one member without a name. The topic's lock guards it.
//
// A group without partitions has one lane that all members take from; one with partitions has a lane for each, owned by one member.
type group struct {
	name      string
	topic     *topic
	broadcast bool
	born      bool // subscribed once: partitions are fixed and the inbox exists
	parts     int
	filter    filter
	lanes     []*lane
	members   []*subscription // in the order of joining
	scanned   uint64          // the next entry to be given to a lane
	from      uint64          // where the group begins
	gap       int64           // lost and not told yet
}

// span is a run of entries, from ≤ seq < to.
type span struct{ from, to uint64 }

// lane is an ordered share of a group: all of it, or a partition.
type lane struct {
	group *group
	index int

	owner, next *subscription // with partitions: who has it, and who gets it
	source      *driver.Source
	ending      bool
	deadline    int64

	head, tail *hold // in hand, in the order of delivery
	held       int
	again      []parcel // given back, first one last
	unsorted   bool
	spans      []span // not delivered yet
	inbox      waiting
	done       uint64 // the last entry delivered
	blocked    int    // nothing is handed out until a lost source has been announced
}

func newGroup(t *topic, name string, from uint64) *group {
	g := &group{name: name, topic: t, from: from, scanned: from}
	g.split(0)
	return g
}

// split gives the group its lanes. It is called before anything is delivered.
func (g *group) split(parts int) {
	g.parts = parts
	g.lanes = make([]*lane, max(parts, 1))
	for i := range g.lanes {
		g.lanes[i] = &lane{group: g, index: i, done: g.from - 1}
	}
	g.scanned = max(g.from, g.topic.log.first)
}

// lane returns the lane of a slot.
func (g *group) lane(slot uint8) *lane {
	return g.lanes[int(slot)*len(g.lanes)/driver.Slots]
}

// scan gives the new entries to the lanes.
func (g *group) scan() {
	end := g.topic.log.next
	if g.scanned >= end {
		return
	}
	if g.parts == 0 && g.filter.all() {
		g.lanes[0].extend(span{from: max(g.scanned, g.lanes[0].done+1), to: end})
		g.scanned = end
		return
	}
	for ; g.scanned < end; g.scanned++ {
		e := g.topic.log.at(g.scanned)
		l := g.lane(e.slot)
		if g.scanned > l.done && g.filter.match(e.typ) {
			l.extend(span{from: g.scanned, to: g.scanned + 1})
		}
	}
}

func (l *lane) extend(s span) {
	if s.from >= s.to {
		return
	}
	if n := len(l.spans); n > 0 && l.spans[n-1].to == s.from {
		l.spans[n-1].to = s.to
		return
	}
	l.spans = append(l.spans, s)
}

// narrow gives the group another filter: what is not delivered yet is looked at anew.
func (g *group) narrow(types []string) {
	if slices.Equal(g.filter.patterns, types) {
		return
	}
	g.filter = newFilter(types)
	lowest := g.topic.log.next
	for _, l := range g.lanes {
		l.spans = nil
		lowest = min(lowest, l.done+1)
	}
	g.scanned = max(lowest, g.topic.log.first)
}

// overtake drops the undelivered entries before to and tells how many they were. What was delivered once stays: it is in hand.
func (g *group) overtake(to uint64) {
	var lost uint64
	for _, l := range g.lanes {
		for len(l.spans) > 0 && l.spans[0].from < to {
			s := &l.spans[0]
			lost += min(s.to, to) - s.from
			if s.to > to {
				s.from = to
				break
			}
			l.spans = l.spans[1:]
		}
	}
	g.missed(int64(lost)) //nolint:gosec // entries in memory
}

// skip moves a broadcast to the end of the log.
func (g *group) skip() {
	g.scan()
	g.overtake(g.topic.log.next)
}

// missed tells the live members of a gap, or keeps it for the next one that joins.
func (g *group) missed(n int64) {
	g.gap += n
	if g.gap == 0 || len(g.members) == 0 {
		return
	}
	for _, m := range g.members {
		m.tell(driver.Notice{
			Kind: driver.Gap, Topic: g.topic.name, Group: g.name, Count: g.gap,
			Detail: fmt.Sprintf("%d messages are gone that were never delivered", g.gap),
		})
	}
	g.gap = 0
}

// wake lets the waiting members look again.
func (g *group) wake() {
	for _, m := range g.members {
		m.rouse()
	}
}

// back returns a parcel to its lane.
func (l *lane) back(p parcel) {
	if p.inbox {
		l.inbox.put(p)
		return
	}
	l.again = append(l.again, p)
	l.unsorted = true
}

// cut breaks the sources of m: all that it holds comes again. A broadcast gets nothing again, and misses what it has not read.
func (g *group) cut(m *subscription) {
	if g.parts > 0 {
		for _, l := range g.lanes {
			if l.owner == m {
				g.pass(l, g.heir(l, m))
			}
		}
		return
	}
	old := m.source
	m.source = m.epoch()
	g.lanes[0].strip(m)
	if g.broadcast {
		g.skip()
	}
	g.announce(g.lanes[0], old)
}

// strip takes what m holds of the lane and puts it back, in order.
func (l *lane) strip(m *subscription) {
	for h := l.head; h != nil; {
		next := h.next
		if h.sub == m {
			m.kill(h)
			if !l.group.broadcast {
				l.back(h.parcel)
			}
		}
		h = next
	}
}

// announce tells that a source is gone, and only then lets the lane hand out again: nobody may hold what somebody else still believes to
// hold.
func (g *group) announce(l *lane, gone *driver.Source) {
	t := g.topic
	if gone == nil {
		return
	}
	l.blocked++
	t.later(func() {
		gone.End()
		gone.Lose()
		t.lock()
		l.blocked--
		g.wake()
		t.unlock()
	})
}
