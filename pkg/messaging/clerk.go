package messaging

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// never is later than any time.
const never = int64(math.MaxInt64)

// flushAfter is how long finished events may wait, behind a handler of the same run that takes long, for their ack.
const flushAfter = 100 * time.Millisecond

// stuckAfter is how long after its time-out a handler that still runs is reported as stuck.
const stuckAfter = 10 * time.Second

// now returns the time since the subscription began, which costs half of what time.Now does and never jumps.
func (s *Subscription) now() int64 { return int64(time.Since(s.base)) }

func (s *Subscription) since(t time.Time) int64 { return int64(t.Sub(s.base)) }

// arm makes sure that the clerk wakes by due.
func (s *Subscription) arm(due int64) {
	if due < s.armed.Load() {
		s.wakeClerk()
	}
}

// clerk does what has its time: it ends handlers that take too long, makes lanes ready whose wait is over, settles what was moved, and
// lets go of sources. Where the broker limits how long an event may be held, it moves what waits too long. There is one timer per subscription, and none while nothing is due.
func (s *Subscription) clerk(ctx context.Context) {
	defer s.clerks.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		// Whoever begins something while the clerk looks around finds this and wakes it again.
		s.armed.Store(never)
		next := s.tend(ctx)
		s.armed.Store(next)
		if next == never {
			timer.Stop()
		} else {
			timer.Reset(time.Duration(max(next-s.now(), 0)))
		}
		select {
		case <-s.poke:
		case <-timer.C:
		case <-s.done:
			return
		}
	}
}

// tend does what is due and returns when the next is.
func (s *Subscription) tend(ctx context.Context) int64 {
	if s.purge.Swap(false) {
		s.letGo()
	}
	now := time.Now()
	s.mu.Lock()
	s.rouse(s.lanes.due(now))
	next := never
	if len(s.lanes.waiting) > 0 {
		next = s.since(s.lanes.waiting[0].until)
	}
	moved := s.moved
	s.moved = nil
	var again []*move
	for m := range s.moving {
		switch {
		case m.at.IsZero():
		case m.at.After(now):
			next = min(next, s.since(m.at))
		default:
			m.at = time.Time{}
			again = append(again, m)
		}
	}
	s.mu.Unlock()

	for _, m := range moved {
		next = min(next, s.arrived(m))
	}
	for _, m := range again {
		m.send(ctx)
	}
	if s.hold > 0 {
		next = min(next, s.sweepHeld(ctx))
	}
	for _, w := range s.workers {
		next = min(next, w.inspect())
	}
	return next
}

// inspect looks at a worker's running handler and returns when to look again.
func (w *worker) inspect() int64 {
	s := w.s
	now := s.now()
	next := never
	var stuck *attempt
	flush := false
	w.mu.Lock()
	a := w.current
	if a == nil {
		w.mu.Unlock()
		return never
	}
	if len(w.outcomes) > 0 {
		flush = now >= w.started+int64(flushAfter)
		if !flush {
			next = w.started + int64(flushAfter)
		}
	}
	if s.options.timeout > 0 {
		end := w.started + int64(s.options.timeout)
		switch {
		case now < end:
			next = min(next, end)
		case w.stuck == 0:
			a.interrupt(ErrHandlerTimeout)
			w.stuck = end + int64(stuckAfter)
			next = min(next, w.stuck)
		case now >= w.stuck:
			stuck = a
			w.stuck += int64(stuckAfter)
			next = min(next, w.stuck)
		default:
			next = min(next, w.stuck)
		}
	}
	overheld := w.overheld(now)
	running := time.Duration(now - w.started)
	w.mu.Unlock()
	if flush {
		w.flush()
	}
	if stuck != nil || overheld {
		s.reportStuck(a, running, overheld)
	}
	return next
}

func (s *Subscription) reportStuck(a *attempt, running time.Duration, overheld bool) {
	d := &a.delivery
	s.broker.stats.stuck.Add(1)
	s.log.Warn("handler is stuck", "event", d.ID, "type", d.Type, "running", running, "taken away soon", overheld)
	if hook := s.broker.hooks.Stuck; hook != nil {
		hook(d, running)
	}
}

// letGo releases what has not started of sources that are ending or gone, and ends the handlers of those that are gone.
func (s *Subscription) letGo() {
	s.mu.Lock()
	culled := s.lanes.cull(func(it *item) bool { return it.msg.Source.State() != driver.Live })
	s.mu.Unlock()
	s.release(culled)
	for _, w := range s.workers {
		w.mu.Lock()
		a := w.current
		gone := a != nil && (a.source.State() == driver.Gone || slices.ContainsFunc(w.sources, isGone))
		w.mu.Unlock()
		if gone {
			a.interrupt(ErrRevoked)
		}
	}
	s.broker.forget(s)
}

func isGone(s *driver.Source) bool { return s.State() == driver.Gone }

// release gives items back to the broker.
func (s *Subscription) release(items []*item) {
	outcomes := make([]driver.Outcome, 0, len(items))
	bytes := 0
	for _, it := range items {
		outcomes = append(outcomes, driver.Outcome{Message: it.msg, Verdict: driver.Release})
		bytes += it.size
	}
	s.broker.stats.released.Add(int64(len(items)))
	s.settle(outcomes, bytes)
}
