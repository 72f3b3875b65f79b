package memory

import (
	"slices"
	"strconv"

	"github.com/herald-go/herald/pkg/driver"
)

// hold is one delivery in hand, with the message that the caller sees. Holds are used again once the caller has settled them.
type hold struct {
	parcel
	lane       *lane
	sub        *subscription
	prev, next *hold
	live       bool // in hand; outcomes for any other hold are no-ops
	msg        driver.Message
}

// peek looks for what the lane can hand out next: an inbox message that is due, then what came back, then the log. Without one it returns
// when there may be, in nanoseconds, 0 for unknown.
func (l *lane) peek(now int64) (e *entry, next int64) {
	if due, ok := l.inbox.due(); ok {
		if due <= now {
			return l.inbox[0].e, 0
		}
		next = due
	}
	if n := len(l.again); n > 0 {
		if l.unsorted {
			slices.SortFunc(l.again, func(a, b parcel) int { return compare(b.e.seq, a.e.seq) })
			l.unsorted = false
		}
		return l.again[n-1].e, 0
	}
	if len(l.spans) == 0 {
		return nil, next
	}
	e = l.group.topic.log.at(l.spans[0].from)
	if e.due > now {
		return nil, sooner(next, e.due)
	}
	return e, 0
}

// pop takes what peek returned.
func (l *lane) pop(now int64) parcel {
	if due, ok := l.inbox.due(); ok && due <= now {
		return l.inbox.take()
	}
	if n := len(l.again); n > 0 {
		p := l.again[n-1]
		l.again[n-1] = parcel{}
		l.again = l.again[:n-1]
		return p
	}
	s := &l.spans[0]
	e := l.group.topic.log.at(s.from)
	l.done = s.from
	if s.from++; s.from == s.to {
		l.drain()
	}
	return parcel{e: e}
}

// drain drops the first span, and uses the memory again when it was the last.
func (l *lane) drain() {
	if len(l.spans) == 1 {
		l.spans = l.spans[:0]
		return
	}
	l.spans = l.spans[1:]
}

// take puts a parcel in the hand of s.
func (s *subscription) take(l *lane, p parcel) *driver.Message {
	h := s.spare
	if h == nil {
		h = &hold{sub: s}
		h.msg.Ref = h
	} else {
		s.spare = h.next
		h.msg = driver.Message{Ref: h}
	}
	p.deliveries++
	h.parcel, h.lane, h.live = p, l, true
	h.prev, h.next = l.tail, nil
	if l.tail == nil {
		l.head = h
	} else {
		l.tail.next = h
	}
	l.tail = h
	l.held++
	s.held++
	s.heldBytes += p.e.size

	m := &h.msg
	p.e.write(m)
	m.Deliveries, m.Inbox = p.deliveries, p.inbox
	m.Source = s.source
	if l.source != nil {
		m.Source = l.source
	}
	return m
}

// kill ends a delivery: any outcome that still comes is a no-op, and the message stays as it is for whoever looks at it.
func (s *subscription) kill(h *hold) {
	l := h.lane
	if h.prev == nil {
		l.head = h.next
	} else {
		h.prev.next = h.next
	}
	if h.next == nil {
		l.tail = h.prev
	} else {
		h.next.prev = h.prev
	}
	h.prev, h.next, h.live = nil, nil, false
	l.held--
	s.held--
	s.heldBytes -= h.e.size
}

// reuse keeps a hold, which its caller has settled, for another delivery.
func (s *subscription) reuse(h *hold) {
	h.e, h.lane = nil, nil
	h.msg.Headers, h.msg.Body = nil, nil
	h.next = s.spare
	s.spare = h
}

// places writes positions as text, all of a batch in one allocation.
type places struct{ digits []byte }

func (w *places) write(out []*driver.Message) {
	w.digits = w.digits[:0]
	for _, m := range out {
		w.digits = strconv.AppendUint(w.digits, m.Seq, 10)
	}
	text, from := string(w.digits), 0
	for _, m := range out {
		n := width(m.Seq)
		if !m.Inbox {
			m.Position = text[from : from+n]
		}
		from += n
	}
}

// width is how many decimal digits n has.
func width(n uint64) int {
	w := 1
	for ; n >= 10; n /= 10 {
		w++
	}
	return w
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// sooner is the earlier of two times, of which 0 is none.
func sooner(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}
