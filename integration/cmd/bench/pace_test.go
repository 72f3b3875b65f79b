package main

import (
	"testing"
	"time"

	"github.com/herald-go/herald/integration/bench/contest"
)

func TestPace_ShortensTurnsAndLeavesOutWhatFindsNoTime(t *testing.T) {
	t.Parallel()
	core := contest.Core()
	p := newPace(options{within: 10 * time.Minute, each: 400 * time.Millisecond}, core)
	half := 0
	for p.ahead[0]-p.ahead[half] < p.ahead[0]/2 {
		half++
	}
	for name, c := range map[string]struct {
		contest int
		spent   time.Duration
		each    time.Duration
		ok      bool
	}{
		"the first":         {0, 0, 400 * time.Millisecond, true},
		"in time":           {half, 4 * time.Minute, 400 * time.Millisecond, true},
		"late":              {half, 8 * time.Minute, 100 * time.Millisecond, true},
		"too late":          {half, 10 * time.Minute, 0, false},
		"far too late, yet": {half, 599 * time.Second, 100 * time.Millisecond, true},
	} {
		p.now = func() time.Time { return p.began.Add(c.spent) }
		each, ok := p.next(c.contest)
		if ok != c.ok || each < c.each*9/10 || each > c.each*11/10 {
			t.Errorf("%s: %v, %v; want about %v, %v", name, each, ok, c.each, c.ok)
		}
	}
	p = newPace(options{each: time.Second}, core)
	p.now = func() time.Time { return p.began.Add(24 * time.Hour) }
	if each, ok := p.next(half); each != time.Second || !ok {
		t.Errorf("without a bound: %v, %v", each, ok)
	}
}
