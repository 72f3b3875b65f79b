package history

import (
	"slices"
	"time"
)

// meter measures a history: how soon traffic flowed again, how long nothing happened, how late Publish was, how much memory there was.
type meter struct {
	rules     Rules
	open      map[int64]bool    // faults that go on
	waiting   map[int64]healing // faults that are healed, and nothing new was handled since
	free      int64             // for how long there was no fault, up to since, nor a rest before one
	since     int64             // since when there is none; 0 while there is one
	begun     bool
	born      map[string]int64 // events that were first attempted while a fault was waiting, and when
	unsettled map[string]bool  // acked and not handled
	handled   map[string]bool  // handled before they were acked
	busy      bool             // there is work
	quiet     int64            // how long there had been no fault when something was handled last, or work came
	drained   bool
	memory    map[string]*grown
	warm      bool
	over      []int64
	recovered []time.Duration
	stalls    []Op
	longest   time.Duration
}

// healing is the end of a fault: when it was, and for how long there had been none by then.
type healing struct {
	at, free int64
	row      string
}

// grown is the memory of a member: at the end of the warm phase, the most since, the first and the last, and for how long it was measured.
type grown struct{ base, most, first, last, began, lived int64 }

func newMeter(r Rules) meter {
	return meter{
		rules: r, open: map[int64]bool{}, waiting: map[int64]healing{}, born: map[string]int64{}, memory: map[string]*grown{},
		unsettled: map[string]bool{}, handled: map[string]bool{},
	}
}

func (m *meter) op(o Op) {
	if !m.begun {
		m.begun, m.since = true, o.At
	}
	switch o.Kind {
	case Fault:
		m.rest(o.At)
		m.open[o.Count] = true
	case Healed:
		delete(m.open, o.Count)
		if len(m.open) == 0 && m.since == 0 {
			m.since = o.At
		}
		m.waiting[o.Count] = healing{o.At, m.calm(o.At), o.Note}
	case Attempt:
		if len(m.waiting) > 0 {
			m.born[o.ID] = o.At
		}
	case Acked, Refused, Unknown:
		m.published(o)
	case Done, Dead:
		if o.Group == m.rules.Group {
			m.finished(o)
		}
	case Destroyed:
		delete(m.unsettled, o.ID)
	case Memory:
		m.grow(o)
	case Phase:
		if o.Note == Rest {
			m.rest(o.At)
		}
		m.warm = m.warm || o.Note == "faults"
		m.drained = m.drained || o.Note == "drain"
	}
}

func (m *meter) published(o Op) {
	if o.Over > 0 {
		m.over = append(m.over, o.Over)
	}
	if o.Kind != Acked {
		return
	}
	if m.handled[o.ID] {
		delete(m.handled, o.ID)
		return
	}
	if len(m.unsettled) == 0 {
		m.busy, m.quiet = true, m.calm(o.At)
	}
	m.unsettled[o.ID] = true
}

func (m *meter) finished(o Op) {
	if m.unsettled[o.ID] {
		delete(m.unsettled, o.ID)
	} else {
		m.handled[o.ID] = true
	}
	if born, ok := m.born[o.ID]; ok {
		m.flows(o, born)
	}
	if o.At > 0 && m.busy && !m.drained {
		m.still(o)
	}
	m.busy, m.quiet = len(m.unsettled) > 0, m.calm(o.At)
}

// rest stops the clock of recoveries and of progress: a fault begins, or handlers rest before one.
func (m *meter) rest(at int64) { m.free, m.since = m.calm(at), 0 }

// calm is for how long there has been no fault.
func (m *meter) calm(at int64) int64 {
	if m.since == 0 {
		return m.free
	}
	return m.free + at - m.since
}

// flows notes that what was published after a fault is handled. What other faults have taken meanwhile does not count: the broker, or somebody, did
// not answer.
func (m *meter) flows(o Op, born int64) {
	for number, h := range m.waiting {
		if born >= h.at {
			m.recovered = append(m.recovered, time.Duration(m.calm(o.At)-h.free))
			delete(m.waiting, number)
		}
	}
	if len(m.waiting) == 0 {
		clear(m.born)
	}
}

// still notes for how long nothing was handled, not counting the time of faults: they stop the clock, and do not set it back.
func (m *meter) still(o Op) {
	d := time.Duration(m.calm(o.At) - m.quiet)
	m.longest = max(m.longest, d)
	if m.rules.Stall > 0 && d > m.rules.Stall {
		m.stalls = append(m.stalls, o)
	}
}

func (m *meter) grow(o Op) {
	g := m.memory[o.Member]
	if g == nil {
		g = &grown{base: o.Count, first: o.Count, began: o.At}
		m.memory[o.Member] = g
	}
	if !m.warm {
		g.base = max(g.base, o.Count)
	}
	g.most, g.last, g.lived = max(g.most, o.Count), o.Count, o.At-g.began
}

func (m *meter) judge(r *Report) {
	slices.Sort(m.recovered)
	r.Recoveries = m.recovered
	r.Stalls, r.Longest = m.stalls, m.longest
	slices.Sort(m.over)
	r.Overdue = len(m.over)
	if n := len(m.over); n > 0 {
		r.Overrun = time.Duration(m.over[n*99/100])
	}
	oldest := &grown{lived: -1}
	for member, g := range m.memory {
		if g.lived > oldest.lived {
			oldest = g
		}
		r.Growth = max(r.Growth, g.most-g.base)
		r.Memory = max(r.Memory, g.most)
		if m.rules.Memory > 0 && g.most-g.base > m.rules.Memory {
			r.Bloated = append(r.Bloated, Op{Kind: Memory, Member: member, Count: g.most - g.base})
		}
	}
	r.MemoryFirst, r.MemoryLast = oldest.first, oldest.last
	if m.rules.Recovery > 0 && len(m.recovered) > 0 {
		r.Slow = r.RecoveryTime(99) > m.rules.Recovery
	}
	if m.rules.Overrun > 0 && len(m.over) >= m.rules.OverrunOf {
		r.Late = r.Overrun > m.rules.Overrun
	}
	for _, h := range m.waiting {
		if !m.drained || m.rules.Recovery == 0 {
			continue // the history has no end that could show it
		}
		r.Stuck = append(r.Stuck, h.row)
	}
}
