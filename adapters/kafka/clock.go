package kafka

import (
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

// reached notes when the log was seen to end where the next fetch begins: what comes later was written later. The lock is held.
func (f *feed) reached(next, end int64, more bool) {
	now := time.Now()
	if more {
		f.after, f.arrived, f.ended = f.ended, now, time.Time{}
	}
	if next >= end {
		f.ended = now
	}
}

// waited returns how long the head lies in the log: by the clocks, but no shorter than since it was fetched; and that where the clocks tell
// more than can be, since the log ended before it at a time that is known.
func (f *feed) waited(now, wall time.Time) time.Duration {
	least, told := now.Sub(f.arrived), wall.Sub(time.UnixMilli(f.headTime))
	if told < least || !f.after.IsZero() && told > now.Sub(f.after)+clockSlack {
		return least
	}
	return told
}

// remains returns how long the head is still put off, and whether it has to go through another tier after its time in this one. In a tier
// nothing waits for longer than that takes, from when it was fetched, whatever the clocks say.
func (f *feed) remains(m *driver.Message, now, wall time.Time) (left time.Duration, again bool) {
	if !f.inbox() {
		return m.NotBefore.Sub(wall), false
	}
	whole, most := m.NotBefore.Sub(time.UnixMilli(f.headTime)), tiers[f.tier].wait
	return min(whole, most) - f.waited(now, wall), whole > most
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
		f.due = now.Add(left)
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
