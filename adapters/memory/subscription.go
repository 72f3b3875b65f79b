package memory

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// subscription is a member of a group or a broadcast reader. The topic's lock guards it; places, out and turn belong to Receive.
type subscription struct {
	conn   *conn
	group  *group
	spec   driver.Spec
	source *driver.Source // without partitions

	held, heldBytes int
	spare           *hold
	stopped, closed bool

	asleep bool          // a Receive waits for anything
	full   bool          // and for room in the window
	signal chan struct{} // one slot: wakes a waiting Receive

	places places
	out    []*driver.Message
	turn   int
}

// epoch returns a new source for what s takes from the group.
func (s *subscription) epoch() *driver.Source {
	t := s.group.topic
	t.joined++
	return driver.NewSource(fmt.Sprintf("%s/%s %s epoch %d", t.name, s.group.name, s.spec.Member, t.joined))
}

// tell queues a notice.
func (s *subscription) tell(n driver.Notice) {
	if s.spec.Notify != nil {
		s.group.topic.later(func() { s.spec.Notify(n) })
	}
}

func (s *subscription) tellRebalanced(detail string) {
	s.tell(driver.Notice{Kind: driver.Rebalanced, Topic: s.group.topic.name, Group: s.group.name, Detail: detail})
}

// rouse wakes a waiting Receive.
func (s *subscription) rouse() {
	if !s.asleep {
		return
	}
	s.asleep, s.full = false, false
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// Receive implements driver.Subscription.
func (s *subscription) Receive(ctx context.Context, limit, maxBytes int) ([]*driver.Message, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		out, wake, open := s.collect(limit, maxBytes)
		switch {
		case len(out) > 0:
			return out, nil
		case !open:
			return nil, io.EOF
		}
		s.sleep(ctx, wake)
	}
}

// sleep waits for a signal, for the end of ctx or until wake, which is in nanoseconds and 0 for none.
func (s *subscription) sleep(ctx context.Context, wake int64) {
	if wake == 0 {
		select {
		case <-s.signal:
		case <-ctx.Done():
		}
		return
	}
	timer := time.NewTimer(time.Duration(wake - now()))
	defer timer.Stop()
	select {
	case <-s.signal:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// collect takes what there is. With nothing it returns when to look again, and whether to.
func (s *subscription) collect(limit, maxBytes int) (out []*driver.Message, wake int64, open bool) {
	t := s.group.topic
	t.lock()
	defer t.unlock()
	if s.stopped {
		return nil, 0, false
	}
	now := now()
	t.tick(now)
	wake, _ = t.delayed.due()
	wake = sooner(wake, s.group.expire(now))
	if t.down {
		s.asleep = true
		return nil, wake, true
	}
	s.group.scan()
	b := basket{out: s.out[:0], limit: limit, bytes: maxBytes}
	s.fill(&b, now)
	s.out = b.out
	if len(b.out) == 0 {
		s.asleep, s.full = true, b.full
		return nil, sooner(wake, b.wake), true
	}
	if !t.transient {
		s.places.write(b.out)
	}
	t.free()
	return b.out, 0, true
}

// basket is what one Receive collects.
type basket struct {
	out          []*driver.Message
	limit, bytes int
	full         bool  // the window has no room for what there is
	wake         int64 // when there may be more
}

// fill takes from the lanes of s, beginning with another one each time.
func (s *subscription) fill(b *basket, now int64) {
	lanes := s.group.lanes
	s.turn++
	for i := range lanes {
		l := lanes[(s.turn+i)%len(lanes)]
		if l.blocked > 0 || l.next != nil || (s.group.parts > 0 && l.owner != s) {
			continue
		}
		if !s.drawFrom(l, b, now) {
			return
		}
	}
}

// drawFrom takes from one lane, and reports whether there is room for more.
func (s *subscription) drawFrom(l *lane, b *basket, now int64) bool {
	for {
		if s.held >= s.spec.Window {
			b.full = true
			return false
		}
		if len(b.out) >= b.limit {
			return false
		}
		e, next := l.peek(now)
		if e == nil {
			b.wake = sooner(b.wake, next)
			return true
		}
		if len(b.out) > 0 && len(e.body) > b.bytes {
			return false
		}
		if s.held > 0 && s.heldBytes+e.size > s.spec.WindowBytes {
			b.full = true
			return false
		}
		b.bytes -= len(e.body)
		b.out = append(b.out, s.take(l, l.pop(now)))
	}
}

// Settle implements driver.Subscription. It takes one lock and calls Spec.Settled before it returns.
func (s *subscription) Settle(outcomes []driver.Outcome) {
	t := s.group.topic
	acks := 0
	t.lock()
	if s.group.parts > 0 {
		s.group.expire(now()) // a grace that is over counts, even if nobody has looked
	}
	for i := range outcomes {
		h, ok := outcomes[i].Message.Ref.(*hold)
		if !ok || !h.live || h.sub != s {
			continue
		}
		if outcomes[i].Verdict == driver.Release {
			s.release(h)
			continue
		}
		acks += s.ack(h)
	}
	if s.group.parts > 0 {
		s.group.expire(now())
	}
	if s.full {
		s.rouse()
	}
	t.unlock()
	if acks > 0 && s.spec.Settled != nil {
		s.spec.Settled(acks)
	}
}

// ack finishes a delivery and returns how many the broker has taken: none where a fault is due.
func (s *subscription) ack(h *hold) int {
	if h.deliveries == 1 && h.e.cut {
		s.breakFrom(h.lane)
		return 0
	}
	s.kill(h)
	if h.deliveries == 1 && h.e.twice {
		h.lane.back(h.parcel)
		s.group.wake()
		s.reuse(h)
		return 0
	}
	s.reuse(h)
	return 1
}

// breakFrom cuts the source through which s holds from a lane.
func (s *subscription) breakFrom(l *lane) {
	g := s.group
	if g.parts > 0 {
		g.pass(l, g.heir(l, s))
		return
	}
	g.cut(s)
}

// release gives a delivery back. On a partition it takes all later ones with it, so that they come again in order.
func (s *subscription) release(h *hold) {
	l, p := h.lane, h.parcel
	if s.group.parts > 0 {
		for later := h.next; later != nil; {
			next := later.next
			s.kill(later)
			l.back(later.parcel)
			later = next
		}
	}
	s.kill(h)
	l.back(p)
	s.reuse(h)
	s.group.wake()
}

// Stop implements driver.Subscription. Partitions of which nothing is held go to other members at once, the rest when it is settled.
func (s *subscription) Stop() {
	t := s.group.topic
	t.lock()
	defer t.unlock()
	if s.stopped {
		return
	}
	s.stopped = true
	s.rouse()
	s.group.rebalance(now())
}

// Close implements driver.Subscription. It waits for nothing.
func (s *subscription) Close(context.Context) error {
	s.conn.forget(s)
	t := s.group.topic
	t.lock()
	defer t.unlock()
	if !s.closed {
		s.leave()
	}
	return nil
}

// leave gives everything back and leaves the group.
func (s *subscription) leave() {
	g := s.group
	s.stopped, s.closed = true, true
	s.rouse()
	g.remove(s)
	if g.broadcast {
		g.cut(s)
		return
	}
	if g.parts == 0 {
		g.lanes[0].strip(s)
		g.announce(g.lanes[0], s.source)
		return
	}
	for _, l := range g.lanes {
		if l.next == s {
			l.next = nil
		}
		if l.owner == s {
			g.pass(l, nil)
		}
	}
	g.rebalance(now())
}
