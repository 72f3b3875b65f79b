package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// batchCount and batchBytes bound what is taken from the queue at a time; between batches answers are looked at.
const (
	batchCount = 128
	batchBytes = 1 << 20
)

// session is one confirm channel: from its opening to its end. It belongs to the publisher's goroutine. The channel is amqp091's, but messages
// are written beside it, and the splitter brings their answers.
type session struct {
	p        *publisher
	link     *link
	desk     desk
	ch       *amqp.Channel
	closed   <-chan *amqp.Error
	confirms *confirms
	answers  []answer

	most    int               // the largest body
	batch   []sendqueue.Entry // taken and not written
	out     []byte            // the frames of a batch
	pending []pending         // written, oldest first; from head on there are some that are not answered
	head    int
	fresh   int                 // how many of them, at the end, are in out alone
	tag     uint64              // of the message at the head: the broker counts what is published to the channel
	strays  map[uint64]*pending // by tag: not answered for so long that they are kept apart
	least   uint64              // the least tag of these
	settled []sendqueue.Entry

	lanes   map[driver.Address]*lane
	parked  int // messages in all lanes that wait for their turn
	purged  time.Time
	timer   *time.Timer
	known   map[string]bool // topics that are declared and may be published to
	delayed map[string]bool // topics that the last delay exchange knows
	levels  int             // delay levels that are declared
	mended  map[string]mend // by topic: whether its groups were found to be unbound
}

// pending is a message without its answer.
type pending struct {
	sendqueue.Entry
	lane     *lane
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
		p: p, link: l, desk: desk{link: l}, ch: ch, closed: ch.NotifyClose(make(chan *amqp.Error, 1)), confirms: newConfirms(), tag: 1,
		most:  p.d.cfg.largest(versionOf(l.conn)), // of this very server: the driver may not know its own yet
		lanes: make(map[driver.Address]*lane), strays: make(map[uint64]*pending), timer: time.NewTimer(time.Hour), known: make(map[string]bool), delayed: make(map[string]bool), mended: make(map[string]mend),
	}
	l.split.confirm(s.confirms)
	if err := ch.Confirm(false); err != nil {
		return nil, err
	}
	return s, nil
}

// serve writes and reads answers until the channel or the link is gone, or ctx ends.
func (s *session) serve(ctx context.Context) error {
	for {
		s.collect()
		unblocked := s.link.blocked()
		if unblocked == nil {
			if err := s.write(); err != nil {
				return err
			}
		}
		s.purge()
		if err := s.wait(ctx, unblocked); err != nil {
			return err
		}
	}
}

// wait returns when there is something to do; an error when it is over.
func (s *session) wait(ctx context.Context, unblocked <-chan struct{}) error {
	ready := s.p.queue.Ready()
	var ending <-chan struct{}
	if unblocked != nil {
		ready, ending = nil, s.p.ending
	}
	var tick <-chan time.Time
	if s.parked > 0 {
		s.timer.Reset(purgeEvery)
		tick = s.timer.C
	}
	select {
	case <-ready:
		runtime.Gosched() // many callers come at once, woken by the same answer: one write is for all of them
	case <-s.confirms.ready:
	case <-tick:
	case <-unblocked:
	case <-ending:
		s.p.rest(ctx, unblocked)
	case err := <-s.closed:
		if err == nil {
			return errLinkLost
		}
		return err
	case <-s.link.gone:
		return errLinkLost
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// send hands the frames of a batch to the network. When it can't, not one of them was written: they go back to the queue.
func (s *session) send() error {
	if len(s.out) == 0 {
		return nil
	}
	err := s.link.wire.writeFrames(s.out, &s.confirms.closed)
	if err != nil {
		s.giveBack()
	}
	s.fresh, s.out = 0, s.out[:0]
	if cap(s.out) > 2*batchBytes { // one large message must not stay for ever
		s.out = nil
	}
	return err
}

// writeOne writes a message, or gives it its fate. An error means that it was not written and that the session is over.
func (s *session) writeOne(l *lane, e *sendqueue.Entry, now, wall time.Time) error {
	if e.Msg.Withdrawn() {
		e.Done(driver.Unavailable, driver.ErrWithdrawn)
		return nil
	}
	r, err := s.route(l, e.To, now)
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
	w, err := s.address(r, e.Msg, wall)
	if err != nil {
		if !refusal(err) {
			return err
		}
		e.Done(fateOf(err), fail("publish", e.To.Topic, err))
		return nil
	}
	return s.publish(l, e, &w, wall)
}

// giveBack puts the messages that were to be written back into the queue, before those that wait for their turn.
func (s *session) giveBack() {
	s.unpark()
	kept := len(s.pending) - s.fresh
	back := make([]sendqueue.Entry, 0, s.fresh)
	for i := range s.pending[kept:] {
		back = append(back, s.pending[kept+i].Entry)
		s.pending[kept+i].lane.out--
	}
	clear(s.pending[kept:])
	s.pending = s.pending[:kept]
	s.p.queue.Unread(back)
}

// publish adds a message to the frames of the batch.
func (s *session) publish(l *lane, e *sendqueue.Entry, w *way, wall time.Time) error {
	if s.confirms.closed.Load() {
		return errChannelClosed
	}
	if !e.Msg.Claim() {
		e.Done(driver.Unavailable, driver.ErrWithdrawn)
		return nil
	}
	s.out = appendPublish(s.out, s.confirms.channel, s.link.frame, w, e.Msg, wall.UnixMilli())
	if s.head == len(s.pending) {
		s.pending, s.head = s.pending[:0], 0
	}
	s.pending = append(s.pending, pending{Entry: *e, lane: l, exchange: w.exchange, key: w.key})
	s.fresh++
	l.out++
	return nil
}

// end gives what was written and not answered its fate, for ever unknown.
func (s *session) end(why error) {
	if s.link.blocked() == nil { // a broker that reads nothing would not answer
		_ = s.ch.Close() // an error means that it is closed; the broker's last answers come before its close-ok
	}
	s.collect()
	if why == nil || errors.Is(why, context.Canceled) {
		why = driver.ErrClosed
	}
	why = fmt.Errorf("%w: %w", errNoAnswer, why)
	for _, m := range s.strays {
		m.Done(driver.Unconfirmed, fail("publish", m.To.Topic, why))
	}
	for i := s.head; i < len(s.pending); i++ {
		if m := &s.pending[i]; !m.done {
			m.Done(driver.Unconfirmed, fail("publish", m.To.Topic, why))
		}
	}
	s.pending, s.head = nil, 0
	s.unpark()
	s.timer.Stop()
	if s.link.blocked() == nil {
		s.desk.close()
	}
}
