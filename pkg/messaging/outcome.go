package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// result is how one attempt ended.
type result struct {
	item        *item
	lane        *lane
	attempt     *attempt // nil when it was not started
	err         error
	interrupted error // the cause with which the handler's context was ended early
}

// snoozeHere is the longest wait that is waited in this process without a word from the policy.
const snoozeHere = time.Second

// releaseHere keeps a handler from spinning that gives back what nobody else can take.
const releaseHere = 100 * time.Millisecond

// conclude acts on the end of an attempt: the item leaves its lane, or stays and waits.
func (s *Subscription) conclude(ctx context.Context, w *worker, r result) {
	it, l := r.item, r.lane
	stays := false
	spare := it.original
	it.original = nil
	switch {
	case errors.Is(r.err, errLeft):
		s.log.Warn("pulled and never settled", "event", r.attempt.delivery.ID, "type", r.attempt.delivery.Type)
		w.outcome(it, driver.Release)
	case errors.Is(r.err, errNotStarted), r.interrupted != nil && !errors.Is(r.interrupted, ErrHandlerTimeout):
		w.outcome(it, driver.Release)
	case r.err == nil:
		w.done(it)
		l.unlink(it)
		*it = item{}
		s.items.Put(it) // the common way; after any other, somebody may still look at the item, and at the copy of its body
		s.reuse(spare)
		return
	case errors.Is(r.err, errSkipped):
		s.broker.stats.skipped.Add(1)
		w.outcome(it, driver.Ack)
	default:
		stays = s.judge(ctx, w, r)
	}
	if !stays {
		l.unlink(it)
	}
}

// done notes that the handler has finished the item.
func (w *worker) done(it *item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = nil
	w.outcomes = append(w.outcomes, driver.Outcome{Message: it.msg, Verdict: driver.Ack})
	w.bytes += it.size
	w.handled++
}

// outcome notes what becomes of an item, to be settled with the run.
func (w *worker) outcome(it *item, v driver.Verdict) {
	w.mu.Lock()
	w.outcomes = append(w.outcomes, driver.Outcome{Message: it.msg, Verdict: v})
	w.bytes += it.size
	w.mu.Unlock()
	if v == driver.Release {
		w.s.broker.stats.released.Add(1)
	}
}

// judge decides over a failed attempt and reports whether the item stays in its lane.
func (s *Subscription) judge(ctx context.Context, w *worker, r result) bool {
	it := r.item
	if s.halted.Load() || it.msg.Source.State() != driver.Live {
		w.outcome(it, driver.Release) // whoever gets it next judges it
		return false
	}
	if errors.Is(r.err, errNoRoute) {
		return s.unrouted(ctx, w, r)
	}
	if errors.Is(r.err, errHeld) {
		s.shiftHeld(ctx, it)
		return false
	}
	v := wished(r.err)
	switch v.verdict {
	case VerdictSnooze:
		return s.postpone(ctx, w, r, v.after)
	case VerdictRelease:
		return s.postpone(ctx, w, r, 0)
	default:
	}
	if !unhandled(v.reason) {
		s.countFailure(it, r.err)
	}
	if errors.Is(r.err, errForgotten) {
		s.log.Warn("pulled and not settled in time", "event", r.attempt.delivery.ID, "type", r.attempt.delivery.Type)
	}
	switch v.verdict {
	case VerdictDiscard:
		s.discard(w, r)
		return false
	case VerdictPermanent:
		s.bury(ctx, w, r, v.reason)
		return false
	case VerdictRetryAfter:
		return s.putOff(ctx, w, r, v.after)
	default:
	}
	if quick := s.options.retry.Quick; it.quick < len(quick) {
		d := lengthened(quick[it.quick])
		it.quick++
		if s.heldTooLong(it) {
			s.told(r, d, true)
			it.due = time.Now().Add(d)
			s.shiftHeld(ctx, it)
			return false
		}
		s.told(r, d, false)
		s.wait(w, it, d)
		return true
	}
	return s.putOff(ctx, w, r, -1)
}

// unhandled reports whether the reason is one for which the handler was never called.
func unhandled(r Reason) bool {
	return r == ReasonMalformed || r == ReasonExpired || r == ReasonPoison || r == ReasonSchema
}

func (s *Subscription) countFailure(it *item, err error) {
	it.tries++
	it.lastError = err
	if it.firstFailed.IsZero() {
		it.firstFailed = s.broker.clock()
	}
	s.broker.stats.failed.Add(1)
}

// putOff puts the item off until the policy's next delay, or until after, when that is not negative; when the policy has no further delay it
// buries it.
func (s *Subscription) putOff(ctx context.Context, w *worker, r result, after time.Duration) bool {
	it, later := r.item, s.options.retry.Later
	if s.options.broadcast {
		s.discard(w, r)
		return false
	}
	if it.later >= len(later) {
		s.bury(ctx, w, r, ReasonExhausted)
		return false
	}
	d := later[it.later]
	if after >= 0 {
		d = after
	}
	d = lengthened(d)
	it.later++
	s.told(r, d, true)
	if s.options.retry.WhenLater == Block {
		it.quick = 0
		s.wait(w, it, d)
		return true
	}
	s.broker.stats.later.Add(1)
	s.shift(ctx, it, d)
	return false
}

// postpone puts the item off without counting an attempt.
func (s *Subscription) postpone(ctx context.Context, w *worker, r result, d time.Duration) bool {
	here := d > 0 && d <= snoozeHere || s.options.broadcast || s.options.retry.WhenLater == Block
	if here && !s.heldTooLong(r.item) {
		if d <= 0 {
			d = releaseHere
		}
		s.wait(w, r.item, d)
		return true
	}
	s.shift(ctx, r.item, d)
	return false
}

// unrouted offers an event that nothing here handles to the group's other members, and buries it when nobody wanted it for long enough.
func (s *Subscription) unrouted(ctx context.Context, w *worker, r result) bool {
	it := r.item
	if s.options.broadcast {
		s.discard(w, r)
		return false
	}
	now := s.broker.clock()
	if it.unrouted.IsZero() {
		it.unrouted = now
	}
	if now.Sub(it.unrouted) >= unroutedFor {
		it.lastError = fmt.Errorf("%w in this group for %v", errNoRoute, unroutedFor)
		s.bury(ctx, w, r, ReasonUnhandled)
		return false
	}
	s.shift(ctx, it, unroutedEvery)
	return false
}

// wait keeps the item at the head of its lane until d has passed.
func (s *Subscription) wait(w *worker, it *item, d time.Duration) {
	it.due = time.Now().Add(d)
	w.lane.until = it.due
}

// told tells the hook of another attempt to come.
func (s *Subscription) told(r result, in time.Duration, later bool) {
	s.broker.stats.retried.Add(1)
	if hook := s.broker.hooks.Retry; hook != nil && r.attempt != nil {
		hook(&r.attempt.delivery, r.err, in, later)
	}
}

// discard drops an event on its handler's word, or because a broadcast has no other place for it.
func (s *Subscription) discard(w *worker, r result) {
	s.broker.stats.discarded.Add(1)
	if hook := s.broker.hooks.Discard; hook != nil && r.attempt != nil {
		hook(&r.attempt.delivery, r.err)
	}
	w.outcome(r.item, driver.Ack)
}

// admissible refuses what must not reach a handler.
func (s *Subscription) admissible(it *item, a *attempt) error {
	d := &a.delivery
	if !d.ExpiresAt.IsZero() && !s.broker.clock().Before(d.ExpiresAt) {
		return refused(ReasonExpired, fmt.Errorf("expired at %s", d.ExpiresAt.Format(time.RFC3339)))
	}
	q := s.options.quarantine
	if q > 0 && it.msg.Deliveries > q && it.recorded == 0 && it.tries == 0 && !s.options.broadcast {
		return refused(ReasonPoison, fmt.Errorf("delivered %d times without a recorded failure", it.msg.Deliveries))
	}
	if it.msg.Type == "" && !it.msg.Inbox && !s.filter.match(d.Type) {
		return errSkipped // an envelope whose type only its body tells, so that intake could not know
	}
	return s.checkReceive(a)
}
