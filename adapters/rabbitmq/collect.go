package rabbitmq

import (
	"math"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// collect gives answered messages their fates.
func (s *session) collect() {
	s.answers = s.confirms.take(s.answers)
	for i := range s.answers {
		a := &s.answers[i]
		switch {
		case a.back != nil:
			s.markReturned(a.back)
		case a.multiple:
			s.answered(a)
		case a.tag < s.tag:
			s.found(a.tag, a.nack)
		case a.tag-s.tag < uint64(len(s.pending)-s.head): //nolint:gosec // not negative
			s.settle(&s.pending[s.head+int(a.tag-s.tag)], a.nack) //nolint:gosec // just compared
			s.advance()
		}
	}
	s.flush()
	s.setApart()
	s.compact()
}

// answered settles all messages up to one.
func (s *session) answered(a *answer) {
	for len(s.strays) > 0 && s.least <= a.tag {
		s.found(s.least, a.nack)
	}
	for s.head < len(s.pending) && s.tag <= a.tag {
		s.settle(&s.pending[s.head], a.nack)
		s.advance()
	}
}

// advance leaves settled messages at the head behind.
func (s *session) advance() {
	for s.head < len(s.pending) && s.pending[s.head].done {
		s.pending[s.head] = pending{}
		s.head++
		s.tag++
	}
}

// found settles a stray.
func (s *session) found(tag uint64, nack bool) {
	m := s.strays[tag]
	if m == nil {
		return
	}
	delete(s.strays, tag)
	s.settle(m, nack)
	if tag != s.least {
		return
	}
	s.least = math.MaxUint64
	for tag := range s.strays {
		s.least = min(s.least, tag)
	}
}

// setApart keeps what a queue has not answered for long, such as one without a leader, from piling up what others have answered behind it.
func (s *session) setApart() {
	for span := len(s.pending) - s.head; span > 2*s.p.d.cfg.Pipeline; span = len(s.pending) - s.head {
		m := s.pending[s.head]
		if len(s.strays) == 0 {
			s.least = s.tag
		}
		s.strays[s.tag] = &m
		s.pending[s.head].done = true
		s.advance()
	}
}

// compact moves what is pending to the front once half the slice is used up.
func (s *session) compact() {
	if s.head < 1024 || s.head*2 < len(s.pending) {
		return
	}
	n := copy(s.pending, s.pending[s.head:])
	clear(s.pending[n:])
	s.pending, s.head = s.pending[:n], 0
}

// settle settles one message.
func (s *session) settle(m *pending, nack bool) {
	if m.done {
		return
	}
	m.done = true
	m.lane.out--
	switch {
	case m.returned:
		fate, err := s.unroutable(m)
		m.Done(fate, fail("publish", m.To.Topic, err))
	case nack:
		m.Done(driver.Unconfirmed, fail("publish", m.To.Topic, errNacked))
	default:
		s.settled = append(s.settled, m.Entry)
	}
}

// flush reports what is stored.
func (s *session) flush() {
	sendqueue.DoneAll(s.settled, driver.Stored, nil)
	clear(s.settled)
	s.settled = s.settled[:0]
}

// unroutable is the fate of a message that came back.
func (s *session) unroutable(m *pending) (driver.Fate, error) {
	s.forget(m.To)
	switch {
	case m.To.Log:
		return driver.Unavailable, errLogGone
	case m.To.Group != "":
		return driver.Unroutable, errNoInbox
	}
	bound, err := s.mend(m.To.Topic)
	switch {
	case err != nil:
		return driver.Unavailable, because(errUnsure, err)
	case bound:
		return driver.Unavailable, errUnbound
	}
	return driver.Unroutable, errNoGroup
}

// markReturned marks a message that came back. A return names no tag: it belongs to the oldest pending message with the same way, id and
// body, and among messages that are the same in all that it makes no difference which.
func (s *session) markReturned(r *returned) {
	for _, m := range s.strays {
		if !m.returned && m.is(r) {
			m.returned = true
			return
		}
	}
	for i := s.head; i < len(s.pending); i++ {
		m := &s.pending[i]
		if !m.done && !m.returned && m.is(r) {
			m.returned = true
			return
		}
	}
}

func (m *pending) is(r *returned) bool {
	return m.exchange == r.exchange && m.key == r.key && m.Msg.ID == r.id && string(m.Msg.Body) == string(r.body)
}
