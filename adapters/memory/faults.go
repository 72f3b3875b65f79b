package memory

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// dice decides a topic's faults. The topic's lock guards it. Every message draws the same number of times, so that one rate does not change
// what another does.
type dice struct {
	faults Faults
	rng    *rand.Rand
}

func newDice(f Faults, topic string) dice {
	if f.none() {
		return dice{}
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(topic))                                         // a hash never fails
	return dice{faults: f, rng: rand.New(rand.NewPCG(f.Seed, h.Sum64()))} //nolint:gosec // faults are to be repeatable, not secret
}

// publish decides what becomes of a message on its way in.
func (d *dice) publish() (refuse, unconfirmed, store bool) {
	if d.rng == nil {
		return false, false, true
	}
	refuse = d.rng.Float64() < d.faults.Refuse
	unconfirmed = d.rng.Float64() < d.faults.Unconfirmed
	half := d.rng.Float64() < 0.5
	switch {
	case refuse:
		return true, false, false
	case unconfirmed:
		return false, true, half
	default:
		return false, false, true
	}
}

// deliver decides what shall go wrong with the deliveries of an entry.
func (d *dice) deliver(e *entry) (delay time.Duration) {
	if d.rng == nil {
		return 0
	}
	e.twice = d.rng.Float64() < d.faults.Duplicate
	e.cut = d.rng.Float64() < d.faults.Cut
	return time.Duration(d.rng.Float64() * float64(d.faults.Delay))
}
