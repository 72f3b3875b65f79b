package kafka

import (
	"slices"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

var _ driver.Clocked = (*Driver)(nil)

// UseClock implements driver.Clocked. The clock stamps records and tells when what is put off is due: how long an inbox record is put off is
// the difference between two times of the clock that wrote it, and how long it has waited is told by the reader's, as far as that can be.
func (d *Driver) UseClock(now func() time.Time) { d.cluster.clock.Store(&now) }

// wall returns the time to compare with what comes from elsewhere.
func (c *cluster) wall() time.Time {
	if now := c.clock.Load(); now != nil {
		return (*now)()
	}
	return time.Now()
}

// clockSlack is by how much a clock may differ from what must be before it is not believed.
const clockSlack = time.Second

// sight is what was seen of where a log ended: there, from one look to another.
type sight struct {
	end         int64
	first, last time.Time
}

// sightsMost bounds how many are kept of a partition; more are thinned out.
const sightsMost = 64

// reached notes where the log was seen to end: what lies before was written by then, what comes later was written later. The lock is held.
func (f *feed) reached(end int64) {
	if !f.inbox() {
		return
	}
	now, n := time.Now(), len(f.sights)
	switch {
	case n > 0 && f.sights[n-1].end == end:
		f.sights[n-1].last = now
		return
	case n > 0 && f.sights[n-1].end > end: // another log
		f.sights = f.sights[:0]
	case n >= sightsMost:
		f.sights = thinned(f.sights)
	}
	f.sights = append(f.sights, sight{end, now, now})
}

// thinned keeps about half, evenly spread over the time they span.
func thinned(all []sight) []sight {
	gap := all[len(all)-1].first.Sub(all[0].first) / (sightsMost / 2)
	kept := all[:1]
	for _, v := range all[1:] {
		if v.first.Sub(kept[len(kept)-1].first) > gap {
			kept = append(kept, v)
		}
	}
	return kept
}

// written returns when at the earliest, zero where that is not known, and when at the latest a record was written, by what was seen of where
// the log ended. Records are asked about in their order.
func (f *feed) written(offset int64, now time.Time) (after, before time.Time) {
	i := 0
	for i < len(f.sights) && f.sights[i].end <= offset {
		i++
	}
	before = now
	if i < len(f.sights) {
		before = f.sights[i].first
	}
	if i > 0 {
		after = f.sights[i-1].last
		f.sights = slices.Delete(f.sights, 0, i-1)
	}
	return after, before
}

// waited returns how long the head lies in the log: by the clocks, but no shorter than since it was seen to be there; and that where the clocks
// tell more than can be, since the log ended before it at a time that is known.
func (f *feed) waited(offset int64, now, wall time.Time) time.Duration {
	after, before := f.written(offset, now)
	least, told := now.Sub(before), wall.Sub(time.UnixMilli(f.headTime))
	if told < least || !after.IsZero() && told > now.Sub(after)+clockSlack {
		return least
	}
	return told
}

// remains returns how long the head is still put off, and whether it has to go through another tier after its time in this one. In a tier
// nothing waits for longer than that takes, from when it was seen to be there, whatever the clocks say.
func (f *feed) remains(m *driver.Message, now, wall time.Time) (left time.Duration, again bool) {
	if !f.inbox() {
		return m.NotBefore.Sub(wall), false
	}
	whole, most := m.NotBefore.Sub(time.UnixMilli(f.headTime)), tiers[f.tier].wait
	return min(whole, most) - f.waited(int64(m.Seq), now, wall), whole > most //nolint:gosec // an offset
}

// putOff deals with a head that is not due: a tier waits for it, a topic's goes to the inbox so that the others need not wait.
func (f *feed) putOff(m *driver.Message, now, wall time.Time) (drawn, bool) {
	if m.NotBefore.IsZero() {
		return 0, false
	}
	left, again := f.remains(m, now, wall)
	if left <= 0 && !again {
		return 0, false
	}
	if left > 0 && f.inbox() {
		f.due, f.early = now.Add(left), true
		return drawLater, true
	}
	s := f.unit.s
	switch {
	case s.mover == nil: // a broadcast has nowhere to put it; the clock may jump meanwhile
		f.due = now.Add(min(left, lookPause))
		return drawLater, true
	case s.mover.full():
		f.due = now.Add(fetchWait)
		return drawLater, true
	}
	f.handOut(held)
	s.mover.add(f, m)
	return drawMore, true
}

// overdue doubles what is asked of a tier for as long as there is more, and nothing of what was read had to wait.
func (f *feed) overdue(more bool) {
	if f.tier <= 0 {
		return
	}
	if more && !f.early {
		f.later = min(feedBytes, 2*max(laterBytes, f.later))
	} else {
		f.later = 0
	}
	f.early = false
}
