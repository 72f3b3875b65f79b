package redis

import (
	"context"
	"time"
)

// plan is one read: from which lanes, at which epochs, and how many messages at most.
type plan struct {
	lanes   []*lane
	epochs  []*epoch
	take    *lane // set: what nobody holds, from this lane
	count   int
	streams int // that share the count
	block   time.Duration
}

// lasting is for how long a lane's session is certain to last; a read that was asked for before must have ended by then, or it would take
// entries of a key that another member handles already. An eighth of a session is left for the way.
func (s *subscription) lasting(l *lane, now time.Time) time.Duration {
	if s.spec.Broadcast {
		return readBlock
	}
	return l.epoch.sure.Add(s.d.cfg.Session - s.d.cfg.Session/8).Sub(now)
}

// gatherTime is how long a reader that finds more than fits waits for more room, and a settler beside it for more acks.
const gatherTime = time.Millisecond

// replyBytes is how large an answer is meant to be at most, going by the messages of late; a larger message comes alone. It is less than what a
// feed keeps, since a buffer doubles and an answer is more than its messages.
const replyBytes = feedKept / 4

// next waits for room and returns the next read; ok is false when there shall be none any more. readers is how many share the window.
func (s *subscription) next(ctx context.Context, lanes []*lane, readers int) (p plan, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := patience{in: &s.hand}
	defer more.end()
	for ctx.Err() == nil && !s.stopped {
		n := s.share(readers)
		if n > 0 && s.full && n < s.worth() && more.wait() {
			continue // there is more than fits: a moment later there is room for a read that is worth its round trip
		}
		if n > 0 && s.choose(&p, lanes) {
			s.reserve(&p, n)
			return p, true
		}
		s.cond.Wait()
	}
	return plan{}, false
}

// ahead returns the next read while the answer of one is not looked at yet, where messages are so large that an answer brings few of them and
// there are more: the server works on it meanwhile. A broadcast's next read begins where that answer ends.
func (s *subscription) ahead(ctx context.Context, lanes []*lane, readers int) (p plan, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.share(readers)
	few := s.full && s.fits() < s.window/4 && n >= s.fits()
	if ctx.Err() != nil || s.stopped || s.spec.Broadcast || !few || !s.choose(&p, lanes) || p.take != nil {
		return plan{}, false
	}
	s.reserve(&p, n)
	return p, true
}

// share is how many messages a reader may ask for. The lock is held.
func (s *subscription) share(readers int) int {
	n := s.room()
	if readers > 1 {
		n = min(n, max(1, n/readers)) // of what is left, so that one that waits in vain leaves room for the others
	}
	return n
}

// fits is how many messages an answer is meant to bring at most; worth is for how many a read is worth its round trip. The lock is held.
func (s *subscription) fits() int  { return max(1, replyBytes/max(1, s.average)) }
func (s *subscription) worth() int { return min(s.window/4, s.fits()) }

// reserve keeps room for n messages at most. The lock is held.
func (s *subscription) reserve(p *plan, n int) {
	p.count = min(n, s.fits())
	if p.streams == 1 {
		p.count = min(p.count, (s.window+1)/2) // the next one is read while this one is handled
	}
	s.reserved += p.count
	for _, l := range p.lanes {
		l.busy++
	}
}

// patience lets a goroutine wait for gatherTime in all, while more may gather. The hand's lock is held throughout.
type patience struct {
	in    *hand
	timer *time.Timer
	over  bool
}

// wait waits for a change, or returns false when the time is over.
func (p *patience) wait() bool {
	if p.over {
		return false
	}
	if p.timer == nil {
		p.timer = time.AfterFunc(gatherTime, func() {
			p.in.mu.Lock()
			defer p.in.mu.Unlock()
			p.over = true
			p.in.cond.Broadcast()
		})
	}
	p.in.cond.Wait()
	return true
}

// end must be called when nobody waits any more.
func (p *patience) end() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// choose picks the lanes of a read, and reports whether there are any: one of which something is to be taken up goes first, alone. The lock
// is held.
func (s *subscription) choose(p *plan, lanes []*lane) bool {
	p.lanes, p.epochs, p.block = p.lanes[:0], p.epochs[:0], readBlock
	now := time.Now()
	for _, l := range lanes {
		if !l.isActive() {
			continue
		}
		if l.take && !s.spec.Broadcast {
			p.take = l
			p.lanes, p.epochs = append(p.lanes[:0], l), append(p.epochs[:0], l.epoch)
			break
		}
		lasts := s.lasting(l, now)
		if lasts < time.Millisecond {
			continue // this process may have stood still: the next beat tells
		}
		p.block = min(p.block, lasts)
		p.lanes, p.epochs = append(p.lanes, l), append(p.epochs, l.epoch)
	}
	p.streams = len(p.lanes)
	if s.inboxes || s.window < 2*p.streams {
		p.streams *= 2
	}
	return len(p.lanes) > 0
}

// done gives back what a plan has reserved. The lock is held.
func (s *subscription) done(p plan) {
	s.reserved = max(0, s.reserved-p.count)
	for _, l := range p.lanes {
		l.busy--
	}
	s.cond.Broadcast()
}
