package memory

import (
	"fmt"

	"github.com/herald-go/herald/pkg/driver"
)

// rebalance spreads the lanes over the live members: each gets as many as any other, or one more, and what can stay stays. A lane of which
// its owner still holds something is announced as ending and passed on when that is settled or the grace is over.
func (g *group) rebalance(now int64) {
	if g.parts == 0 {
		return
	}
	load := make(map[*subscription]int, len(g.members))
	for _, m := range g.members {
		if !m.stopped {
			load[m] = 0
		}
	}
	if len(load) == 0 {
		return
	}
	for _, l := range g.lanes {
		if h := l.heir(); h != nil {
			if _, live := load[h]; live {
				load[h]++
				continue
			}
		}
		to := g.lightest(load)
		load[to]++
		g.promise(l, to, now)
	}
	for {
		from, to := g.heaviest(load), g.lightest(load)
		if load[from]-load[to] <= 1 {
			return
		}
		load[from]--
		load[to]++
		g.promise(g.last(from), to, now)
	}
}

// heir is who has the lane once all that is announced has happened.
func (l *lane) heir() *subscription {
	if l.next != nil {
		return l.next
	}
	return l.owner
}

// lightest returns the member with the fewest lanes, the one that joined first among equals.
func (g *group) lightest(load map[*subscription]int) *subscription {
	var best *subscription
	for _, m := range g.members {
		if n, live := load[m]; live && (best == nil || n < load[best]) {
			best = m
		}
	}
	return best
}

// heaviest returns the member with the most lanes, the one that joined first among equals.
func (g *group) heaviest(load map[*subscription]int) *subscription {
	var best *subscription
	for _, m := range g.members {
		if n, live := load[m]; live && (best == nil || n > load[best]) {
			best = m
		}
	}
	return best
}

// last returns the lane that m would give away: one that is only promised to it, else its last.
func (g *group) last(m *subscription) *lane {
	var found *lane
	for _, l := range g.lanes {
		if l.heir() != m {
			continue
		}
		if l.next == m {
			return l
		}
		found = l
	}
	return found
}

// promise lets to have the lane as soon as may be. A stopped owner keeps what it holds for as long as it likes; a live one gets the grace.
func (g *group) promise(l *lane, to *subscription, now int64) {
	l.next = to
	if l.owner == nil || l.held == 0 {
		g.pass(l, to)
		return
	}
	if l.ending || l.owner.stopped {
		return
	}
	l.ending = true
	l.deadline = now + int64(g.topic.grace)
	g.topic.later(l.source.End)
	g.wake() // whoever waits has to know the deadline
}

// pass takes the lane from its owner, if it has one, and gives it to another member or, with nil, to nobody.
func (g *group) pass(l *lane, to *subscription) {
	if l.owner != nil {
		l.strip(l.owner)
		l.owner.tellRebalanced(fmt.Sprintf("partition %d lost", l.index))
	}
	g.announce(l, l.source)
	l.owner, l.next, l.source, l.ending = to, nil, nil, false
	if to == nil {
		return
	}
	g.topic.joined++
	l.source = driver.NewSource(fmt.Sprintf("%s/%s partition %d epoch %d", g.topic.name, g.name, l.index, g.topic.joined))
	to.tellRebalanced(fmt.Sprintf("partition %d gained", l.index))
	to.rouse()
}

// heir returns who shall have a lane that was cut off its owner: whoever it is promised to, else its owner again.
func (g *group) heir(l *lane, owner *subscription) *subscription {
	if l.next != nil {
		return l.next
	}
	return owner
}

// expire passes on the lanes whose grace is over or that are settled, and returns the next deadline, 0 for none.
func (g *group) expire(now int64) (next int64) {
	if g.parts == 0 {
		return 0
	}
	for _, l := range g.lanes {
		switch {
		case l.next == nil:
		case l.held == 0, l.ending && l.deadline <= now:
			g.pass(l, l.next)
		case l.ending && (next == 0 || l.deadline < next):
			next = l.deadline
		}
	}
	return next
}
