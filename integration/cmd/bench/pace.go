package main

import (
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
	"github.com/herald-go/herald/integration/bench/contestants"
)

// pace keeps a run within its time.
type pace struct {
	within, each time.Duration
	began        time.Time
	now          func() time.Time
	ahead        []int // turns of the contests from each one on
}

// shortest is the least part of a turn's usual length that is still a measurement.
const shortest = 4

// newPace begins the time of a run.
func newPace(o options, contests []contest.Contest) *pace {
	p := &pace{within: o.within, each: o.each, began: time.Now(), now: time.Now, ahead: make([]int, len(contests)+1)}
	for i := len(contests) - 1; i >= 0; i-- {
		p.ahead[i] = p.ahead[i+1] + turns(contests[i])
	}
	return p
}

// turns weighs a contest: by its contestants, and latencies take longer.
func turns(c contest.Contest) int {
	n := len(contestants.All(c.Broker))
	if c.Work == contest.Latency || c.Work == contest.LatencyHigh {
		n *= 3
	}
	return n
}

// next returns how long each turn of contest i is to measure, or false if there is no time for it. What turns have cost so far tells what is to come.
func (p *pace) next(i int) (time.Duration, bool) {
	spent := p.now().Sub(p.began)
	finished := p.ahead[0] - p.ahead[i]
	if p.within <= 0 || finished == 0 {
		return p.each, true
	}
	left := p.within - spent
	if left <= 0 {
		return 0, false
	}
	wanted := spent * time.Duration(p.ahead[i]) / time.Duration(finished)
	if wanted <= left {
		return p.each, true
	}
	shorter := time.Duration(float64(p.each) * float64(left) / float64(wanted))
	return max(p.each/shortest, shorter), true
}
