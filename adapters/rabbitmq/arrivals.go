package rabbitmq

import (
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// batch is deliveries of one read, and when each was sent by its publisher's clock, in milliseconds since 1970. The splitter alone fills it.
type batch struct {
	msgs  []*driver.Message
	sents []int64
}

// arrive takes a delivery that has come whole. It runs in the splitter, so it must not wait.
func (h *hold) arrive(c *content) {
	m, spec := c.msg, &h.tap.sub.spec
	m.Source, m.Ref, m.Seq = h.source, h, c.tag
	if h.counts {
		m.Deliveries = int(c.count) + 1
	}
	if !spec.Broadcast { // only the broker says through which exchange a message came
		m.Inbox = len(c.exchange) == 0 || string(c.exchange) == h.inbox
	}
	if m.Type == "" && !m.Inbox && len(c.key) > 0 {
		// Strangers say the type in the routing key; one that is not wanted may be another one than the body's, so it is none.
		if key := string(c.key); matches(spec.Types, key) {
			m.Type = key
		}
	}
	at := c.sent
	if at == 0 { // a stranger's begins to age now
		at = h.tap.sub.d.now().UnixMilli()
	}
	h.arriving.msgs, h.arriving.sents = append(h.arriving.msgs, m), append(h.arriving.sents, at)
}

// handOver makes what has arrived ready to be received. It runs in the splitter: no other goroutine is woken on the way.
func (h *hold) handOver() {
	s, now := h.tap.sub, time.Since(h.tap.sub.base).Nanoseconds()
	s.mu.Lock()
	h.active = true
	released := false
	for i, m := range h.arriving.msgs {
		switch {
		case h.gone: // it comes again
		case h.ending: // it comes to another member, once this one has let the partition go
			h.came(m)
		case s.stopped:
			h.add(m, h.arriving.sents[i], now)
			h.release(m)
			released = true
		default:
			h.add(m, h.arriving.sents[i], now)
			s.ready = append(s.ready, m)
		}
	}
	s.mu.Unlock()
	clear(h.arriving.msgs)
	h.arriving.msgs, h.arriving.sents = h.arriving.msgs[:0], h.arriving.sents[:0]
	s.pass()
	if released {
		h.poke()
	}
}
