package messaging

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// Some brokers take an event away that is held for longer than Capabilities.HoldLimit, and with it, perhaps, all that its connection holds.
// So what waits here is put into the group's inbox before: half of the limit is for waiting, and the other half for storing the copy, or for
// the handler that began just then.
//
//	share of the limit   what happens to an event that has been held for so long
//	1/4                  a batch that waits for more waits no longer for its sake
//	1/2 (to 5/8)         unless its handler runs, or it must keep its place, it is moved to the inbox
//	3/4 (to 7/8)         its handler is reported as stuck
const (
	waitShare   = 2 // of the limit: Subscription.hold
	sweepShare  = 4 // of hold: how often the clerk looks for what is held too long
	missedShare = 8 // of that: how soon it looks again after a worker whose hands it could not see
)

// errHeld is what a handler of Herald's own, in which an event only waits, returns when it has waited too long.
var errHeld error = &verdictError{verdict: VerdictRelease}

// setHold notes how long an event may wait here. A broadcast has no inbox, and holds nothing that anybody else waits for.
func (s *Subscription) setHold() {
	if !s.options.broadcast {
		s.hold = s.broker.capabilities.HoldLimit / waitShare
	}
}

// sweepHeld moves what has waited here for too long to the group's inbox, at no attempt, and returns when to look again. It is the clerk's.
func (s *Subscription) sweepHeld(ctx context.Context) int64 {
	now, pause := s.now(), s.hold/sweepShare
	if s.halted.Load() {
		return never
	}
	s.mu.Lock()
	var moves []*move
	switch {
	case s.held == 0:
		s.mu.Unlock()
		s.sweep = 0
		return never
	case s.sweep == 0: // there was nothing to look for until now
	case now < s.sweep:
		s.mu.Unlock()
		return s.sweep
	case s.handing.Load(): // what was found last waits for room yet
	default:
		var missed bool
		if moves, missed = s.takeHeld(now); missed {
			pause /= missedShare
		}
	}
	s.mu.Unlock()
	s.sweep = now + int64(pause)
	if len(moves) > 0 {
		s.log.Warn("events held for too long are moved to the inbox; the broker would take them away", "count", len(moves),
			"held", time.Duration(now-moves[0].it.since), "limit", waitShare*s.hold)
		s.handing.Store(true)
		s.clerks.Add(1)
		go s.handOver(ctx, moves)
	}
	return s.sweep
}

// overdue reports whether an event has been held for so long that it must not wait here any more. With Block one with a key keeps its place,
// whatever comes.
func (s *Subscription) overdue(it *item, now int64) bool {
	return now-it.since >= int64(s.hold) && (it.key == "" || s.options.retry.WhenLater != Block)
}

// heldTooLong is overdue for now, and false where there is no limit.
func (s *Subscription) heldTooLong(it *item) bool { return s.hold > 0 && s.overdue(it, s.now()) }

// shiftHeld moves one event to the inbox.
func (s *Subscription) shiftHeld(ctx context.Context, it *item) { s.begin(ctx, s.copyHeld(it)) }

// copyHeld makes the move of an event that goes on, when it comes back, where it stands now: with its wait, and its quick tries as they are.
func (s *Subscription) copyHeld(it *item) *move {
	m := s.copyOf(it, time.Until(it.due))
	if it.quick > 0 {
		m.msg.Headers = append(m.msg.Headers, driver.Header{Key: headerQuick, Value: strconv.Itoa(it.quick)})
	}
	return m
}

// handOver sends the copies. It may have to wait for room, which the clerk must not.
func (s *Subscription) handOver(ctx context.Context, moves []*move) {
	defer s.clerks.Done()
	defer s.handing.Store(false)
	for _, m := range moves {
		if ctx.Err() != nil {
			return // Close gives up what is left
		}
		m.send(ctx)
	}
}

// takeHeld takes what has waited too long out of all hands, each key in its order, and notes its moves. missed tells that a worker was
// between two handlers, when only it knows what it has. s.mu is held.
func (s *Subscription) takeHeld(now int64) (moves []*move, missed bool) {
	old := func(it *item) bool { return s.overdue(it, now) && it.msg.Source.State() == driver.Live }
	var items []*item
	for _, w := range s.workers {
		yielded, all := w.yield(old)
		items = append(items, yielded...)
		missed = missed || !all
	}
	items = append(items, s.lanes.cull(old)...) // after the workers: what they have goes before it
	for _, it := range items {
		m := s.copyHeld(it)
		s.moving[m] = struct{}{}
		moves = append(moves, m)
	}
	return moves, missed
}

// yield takes what out picks from all that the worker has taken and not started. all is false when it could not look at everything.
// Subscription.mu is held.
func (w *worker) yield(out func(*item) bool) (yielded []*item, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.run {
		yielded = l.yield(out, yielded)
	}
	if w.current == nil {
		return yielded, slices.Contains(w.s.idle, w)
	}
	// Its goroutine is in the handler, and touches nothing of this before it has taken w.mu again.
	waits := func(it *item) bool { return !w.runs(it) && out(it) }
	if w.lane != nil {
		yielded = w.lane.yield(waits, yielded)
	}
	for _, l := range w.finished {
		yielded = l.yield(waits, yielded)
	}
	if len(yielded) > 0 {
		for i, part := range w.batch.parts {
			w.batch.parts[i] = slices.DeleteFunc(part, func(p pick) bool { return slices.Contains(yielded, p.item) })
		}
	}
	return yielded, true
}

// runs reports whether the running handler has the item. w.mu is held, and a handler runs.
func (w *worker) runs(it *item) bool {
	return it == w.item || slices.ContainsFunc(w.batch.part, func(p pick) bool { return p.item == it })
}

// yield moves the items that out picks from those that the worker has to yielded.
func (l *lane) yield(out func(*item) bool, yielded []*item) []*item {
	for at := &l.batch; *at != nil; {
		it := *at
		if !out(it) {
			at = &it.next
			continue
		}
		*at, it.next = it.next, nil
		yielded = append(yielded, it)
	}
	return yielded
}

// overheld reports, once, that the running handler's event has been held for so long that the broker is about to take it away. w.mu is held,
// and a handler runs.
func (w *worker) overheld(now int64) bool {
	hold := int64(w.s.hold)
	if hold == 0 || w.warned {
		return false
	}
	since := now
	if w.item != nil {
		since = w.item.since
	}
	since = min(since, oldest(w.batch.part, now))
	w.warned = now-since >= hold+hold/2
	return w.warned
}

// oldest returns since when the oldest of the picks has been held, or now.
func oldest(picks []pick, now int64) int64 {
	for _, p := range picks {
		now = min(now, p.since)
	}
	return now
}

// patience returns how long a batch may wait for more, asked is how long it should.
func (s *Subscription) patience(picks []pick, asked time.Duration) time.Duration {
	if s.hold == 0 {
		return asked
	}
	now := s.now()
	return min(asked, max(0, s.hold/waitShare-time.Duration(now-oldest(picks, now))))
}
