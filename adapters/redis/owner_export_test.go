package redis

import (
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// OwnerSession is the session of an Owner.
const OwnerSession = readerSession

// Owner is a member that owns one partition, and has no server.
type Owner struct{ *Reader }

// NewOwner returns one with so many messages in hand of whoever receives.
func NewOwner(n int) Owner {
	o := Owner{NewReader(n + 1)}
	o.s.spec.Partitions = 1
	o.Arrive(n)
	return o
}

// Cede begins to hand the partition over, as a round does that finds too many.
func (o Owner) Cede() {
	o.s.mu.Lock()
	ending := o.s.surplus(0)
	o.s.mu.Unlock()
	for _, src := range ending {
		src.End()
	}
}

// Again loses the session and begins another.
func (o Owner) Again() {
	o.s.loseAll()
	o.s.mu.Lock()
	o.l.begin(2, "m")
	o.s.mu.Unlock()
}

// Source is what the partition's messages are held from now.
func (o Owner) Source() *driver.Source {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	return o.l.epoch.source
}

// Look does what the keeper does about the partition. It returns whether the partition is to be given up, and when to look again.
func (o Owner) Look() (gone bool, again time.Duration) {
	h := o.s.ripe(time.Now())
	for _, src := range h.lost {
		src.Lose()
	}
	return len(h.ready) > 0, h.again
}

// NewLoser returns a member that finds the same losses twice at the same moment, and what it tells.
func NewLoser() func(lost int64) (told []int64) {
	var told []int64
	d := &Driver{}
	var find func(int64)
	s := d.newSubscription(driver.Spec{Notify: func(n driver.Notice) {
		told = append(told, n.Count)
		if len(told) < 10 {
			find(told[0]) // as if it came from the other goroutine now
		}
	}})
	l := newLanes(places("orders", 0), "g", false)[0]
	find = func(lost int64) { s.gap(l, lost) }
	return func(lost int64) []int64 { find(lost); return told }
}
