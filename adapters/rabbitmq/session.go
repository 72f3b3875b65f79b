package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

const (
	// batchCount and batchBytes bound what is taken from the queue at a time; between batches answers are looked at.
	batchCount = 128
	batchBytes = 1 << 20
	// sweepEvery is how often all answers are looked at while the oldest stays out: a queue without a leader must not hide the others.
	sweepEvery = 5 * time.Millisecond
)

// session is one confirm channel: from its opening to its end. It belongs to the publisher's goroutine.
type session struct {
	p       *publisher
	link    *link
	desk    desk
	ch      *amqp.Channel
	closed  <-chan *amqp.Error
	returns chan amqp.Return
	sweep   *time.Timer
	armed   bool

	most    int               // the largest body
	stamp   any               // when the batch is written, as headers carry it
	batch   []sendqueue.Entry // taken and not written
	pending []pending         // written and not answered, oldest first, from head on
	head    int
	settled []sendqueue.Entry

	routes  map[driver.Address]*route
	known   map[string]bool // topics that are declared and may be published to
	delayed map[string]bool // topics that the last delay exchange knows
	levels  int             // delay levels that are declared
}

// pending is a message without its answer.
type pending struct {
	sendqueue.Entry
	conf     *amqp.DeferredConfirmation
	exchange string
	key      string
	returned bool
	done     bool
}

func newSession(p *publisher, l *link) (*session, error) {
	ch, err := l.conn.Channel()
	if err != nil {
		return nil, err
	}
	s := &session{
		p: p, link: l, desk: desk{link: l}, ch: ch, closed: ch.NotifyClose(make(chan *amqp.Error, 1)),
		// Room for each message that can be out: amqp091 drops a return that waits for 5 s.
		returns: ch.NotifyReturn(make(chan amqp.Return, p.d.cfg.Pipeline)),
		sweep:   time.NewTimer(time.Hour),
		most:    p.d.cfg.largest(versionOf(l.conn)), // of this very server: the driver may not know its own yet
		routes:  make(map[driver.Address]*route), known: make(map[string]bool), delayed: make(map[string]bool),
	}
	s.sweep.Stop()
	if err := ch.Confirm(false); err != nil {
		return nil, err
	}
	return s, nil
}

// serve writes and reads answers until the channel or the link is gone, or ctx ends.
func (s *session) serve(ctx context.Context) error {
	for all := false; ; {
		s.collect(all)
		unblocked := s.link.blocked()
		if unblocked == nil {
			if err := s.write(); err != nil {
				return err
			}
		}
		var err error
		if all, err = s.wait(ctx, unblocked); err != nil {
			return err
		}
	}
}

// wait returns when there is something to do, and whether all answers are to be looked at; an error when it is over.
func (s *session) wait(ctx context.Context, unblocked <-chan struct{}) (all bool, err error) {
	ready := s.p.queue.Ready()
	if unblocked != nil || s.out() >= s.p.d.cfg.Pipeline {
		ready = nil
	}
	var ending <-chan struct{}
	if unblocked != nil {
		ending = s.p.ending
	}
	var head, tail <-chan struct{}
	if s.out() > 0 {
		head = s.pending[s.head].conf.Done()
		tail = s.pending[len(s.pending)-1].conf.Done()
		if !s.armed {
			s.sweep.Reset(sweepEvery)
			s.armed = true
		}
	}
	select {
	case <-ready:
	case <-head:
	case <-tail:
		all = true
	case <-s.sweep.C:
		s.armed, all = false, true
	case <-unblocked:
	case <-ending:
		s.p.rest(ctx, unblocked)
		all = true
	case err := <-s.closed:
		if err == nil {
			return false, errLinkLost
		}
		return false, err
	case <-s.link.gone:
		return false, errLinkLost
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	return all, nil
}

func (s *session) out() int { return len(s.pending) - s.head }

// write takes a batch and writes it.
func (s *session) write() error {
	room := s.p.d.cfg.Pipeline - s.out()
	if room <= 0 {
		return nil
	}
	s.batch = s.p.queue.Take(s.batch[:0], min(room, batchCount), batchBytes)
	if len(s.batch) == 0 {
		return nil
	}
	now := time.Now()
	s.stamp = now.UnixMilli()
	for to, r := range s.routes {
		if r.err != nil || !r.until.IsZero() && now.After(r.until) {
			delete(s.routes, to)
		}
	}
	for i := range s.batch {
		if err := s.writeOne(&s.batch[i], now); err != nil {
			s.p.queue.Unread(s.batch[i:])
			s.batch = s.batch[:0]
			return err
		}
	}
	return nil
}

// writeOne writes a message, or gives it its fate. An error means that it was not written and that the session is over.
func (s *session) writeOne(e *sendqueue.Entry, now time.Time) error {
	if e.Msg.Withdrawn() {
		e.Done(driver.Unavailable, driver.ErrWithdrawn)
		return nil
	}
	r, err := s.route(e.To, now)
	if err != nil {
		return err
	}
	if r.err != nil {
		e.Done(r.fate, fail("publish", e.To.Topic, r.err))
		return nil
	}
	fate, err := unfit(e.Msg, s.link.frame, s.most)
	if err != nil {
		e.Done(fate, fail("publish", e.To.Topic, err))
		return nil
	}
	p := encode(e.Msg, s.stamp)
	exchange, key, err := s.address(r, &p, e.Msg, now)
	if err != nil {
		if !refusal(err) {
			return err
		}
		e.Done(fateOf(err), fail("publish", e.To.Topic, err))
		return nil
	}
	return s.publish(e, exchange, key, r.mandatory, p)
}

func (s *session) publish(e *sendqueue.Entry, exchange, key string, mandatory bool, p amqp.Publishing) error {
	if s.ch.IsClosed() {
		return errChannelClosed
	}
	if !e.Msg.Claim() {
		e.Done(driver.Unavailable, driver.ErrWithdrawn)
		return nil
	}
	conf, err := s.ch.PublishWithDeferredConfirm(exchange, key, mandatory, false, p)
	if err != nil {
		e.Done(driver.Unconfirmed, fail("publish", e.To.Topic, err))
		return err
	}
	if s.head == len(s.pending) {
		s.pending, s.head = s.pending[:0], 0
	}
	s.pending = append(s.pending, pending{Entry: *e, conf: conf, exchange: exchange, key: key})
	return nil
}

func (s *session) route(to driver.Address, now time.Time) (*route, error) {
	if r := s.routes[to]; r != nil {
		return r, nil
	}
	r, err := s.prepare(to, now)
	if err != nil {
		return nil, err
	}
	s.routes[to] = &r
	return &r, nil
}

// collect gives answered messages their fates: the run at the head, or all that have an answer. Confirms may come out of order.
func (s *session) collect(all bool) {
	returned := false
	for i := s.head; i < len(s.pending); i++ {
		m := &s.pending[i]
		if m.done {
			continue
		}
		if !m.answered() {
			if all {
				continue
			}
			break
		}
		if !returned { // a return comes before its confirm
			s.takeReturns()
			returned = true
		}
		m.done = true
		s.answer(m)
	}
	s.flush()
	for s.head < len(s.pending) && s.pending[s.head].done {
		s.pending[s.head] = pending{}
		s.head++
	}
	s.compact()
}

func (m *pending) answered() bool {
	select {
	case <-m.conf.Done():
		return true
	default:
		return false
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

// answer settles one message.
func (s *session) answer(m *pending) {
	switch {
	case m.returned:
		fate, err := s.unroutable(m)
		m.Done(fate, fail("publish", m.To.Topic, err))
	case m.conf.Acked():
		s.settled = append(s.settled, m.Entry)
	case s.ch.IsClosed():
		m.Done(driver.Unconfirmed, fail("publish", m.To.Topic, errNoAnswer))
	default:
		m.Done(driver.Unconfirmed, fail("publish", m.To.Topic, errNacked))
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
	return driver.Unroutable, errNoGroup
}

// takeReturns marks the messages that came back. A return names no tag: it belongs to the oldest pending message with the same way, id and
// body, and among messages that are the same in all that it makes no difference which.
func (s *session) takeReturns() {
	for {
		select {
		case r, ok := <-s.returns:
			if !ok {
				s.returns = nil
				return
			}
			s.markReturned(&r)
		default:
			return
		}
	}
}

func (s *session) markReturned(r *amqp.Return) {
	for i := s.head; i < len(s.pending); i++ {
		m := &s.pending[i]
		if !m.done && !m.returned && m.is(r) {
			m.returned = true
			return
		}
	}
}

func (m *pending) is(r *amqp.Return) bool {
	id := m.Msg.ID
	if len(id) > shortLimit {
		id = ""
	}
	return m.exchange == r.Exchange && m.key == r.RoutingKey && id == r.MessageId && string(m.Msg.Body) == string(r.Body)
}

// end gives what was written and not answered its fate, for ever unknown.
func (s *session) end(why error) {
	if s.link.blocked() == nil { // a broker that reads nothing would not answer
		_ = s.ch.Close() // an error means that it is closed; the broker's last answers come before its close-ok
	}
	s.collectLast()
	if why == nil || errors.Is(why, context.Canceled) {
		why = driver.ErrClosed
	}
	for i := s.head; i < len(s.pending); i++ {
		if m := &s.pending[i]; !m.done {
			m.Done(driver.Unconfirmed, fail("publish", m.To.Topic, fmt.Errorf("%w: %w", errNoAnswer, why)))
		}
	}
	s.pending, s.head = nil, 0
	if s.link.blocked() == nil {
		s.desk.close()
	}
	s.sweep.Stop()
}

// collectLast takes the answers that came before the end: closing answers the rest with a nack that is none of the broker's.
func (s *session) collectLast() {
	s.takeReturns()
	for i := s.head; i < len(s.pending); i++ {
		if m := &s.pending[i]; !m.done && m.conf.Acked() {
			m.done = true
			s.answer(m)
		}
	}
	s.flush()
}
