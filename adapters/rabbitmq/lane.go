package rabbitmq

import (
	"errors"
	"time"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

// lane is all messages of a session with one address. Config.Pipeline bounds those that are on their way; what is beyond it waits here, so that
// a queue that does not answer, for want of a leader, does not hold up other addresses. The publisher's room bounds what waits.
type lane struct {
	route  *route            // nil until it is found out
	out    int               // written and not answered
	parked []sendqueue.Entry // in their order, from first on
	first  int
}

// park keeps a message for later.
func (l *lane) park(e *sendqueue.Entry) {
	if l.first > len(l.parked)/2 && len(l.parked) == cap(l.parked) { // room before the first is as good as room behind the last
		n := copy(l.parked, l.parked[l.first:])
		clear(l.parked[n:])
		l.parked, l.first = l.parked[:n], 0
	}
	l.parked = append(l.parked, *e)
}

// waiting are the messages that wait for their turn.
func (l *lane) waiting() []sendqueue.Entry { return l.parked[l.first:] }

// proceed takes the first of them out.
func (l *lane) proceed() {
	l.parked[l.first] = sendqueue.Entry{}
	if l.first++; l.first == len(l.parked) {
		l.parked, l.first = l.parked[:0], 0
	}
}

func (s *session) lane(to driver.Address) *lane {
	l := s.lanes[to]
	if l == nil {
		l = &lane{}
		s.lanes[to] = l
	}
	return l
}

func (s *session) route(l *lane, to driver.Address, now time.Time) (*route, error) {
	if l.route != nil {
		return l.route, nil
	}
	r, err := s.prepare(to, now)
	if err != nil {
		return nil, err
	}
	l.route = &r
	return &r, nil
}

// write writes what waited for its turn, and then a batch from the queue.
func (s *session) write() error {
	now, wall := time.Now(), s.p.d.now()
	for _, l := range s.lanes {
		if r := l.route; r != nil && (r.err != nil || !r.until.IsZero() && now.After(r.until)) {
			l.route = nil
		}
		if err := s.resume(l, now, wall); err != nil {
			return errors.Join(s.send(), err)
		}
	}
	s.batch = s.p.queue.Take(s.batch[:0], batchCount, batchBytes)
	for i := range s.batch {
		e := &s.batch[i]
		l := s.lane(e.To)
		if len(l.waiting()) > 0 || l.out >= s.p.d.cfg.Pipeline {
			l.park(e)
			s.parked++
			continue
		}
		if err := s.writeOne(l, e, now, wall); err != nil {
			s.p.queue.Unread(s.batch[i:])
			return errors.Join(s.send(), err)
		}
	}
	clear(s.batch)
	return s.send()
}

// resume writes what waits in a lane, as far as it is its turn.
func (s *session) resume(l *lane, now, wall time.Time) error {
	for len(l.waiting()) > 0 && l.out < s.p.d.cfg.Pipeline {
		e := l.parked[l.first]
		if err := s.writeOne(l, &e, now, wall); err != nil {
			return err
		}
		l.proceed()
		s.parked--
		if len(s.out) < batchBytes {
			continue
		}
		if err := s.send(); err != nil {
			return err
		}
	}
	return nil
}

// purge gives what was withdrawn while it waited its fate, now and then: nobody tells of it.
func (s *session) purge() {
	if s.parked == 0 || time.Since(s.purged) < purgeEvery {
		return
	}
	s.purged = time.Now()
	for _, l := range s.lanes {
		kept := l.parked[:0]
		for _, e := range l.waiting() {
			if e.Msg.Withdrawn() {
				e.Done(driver.Unavailable, driver.ErrWithdrawn)
				s.parked--
				continue
			}
			kept = append(kept, e)
		}
		clear(l.parked[len(kept):])
		l.parked, l.first = kept, 0
	}
}

// unpark puts what waits back into the queue, before what came later.
func (s *session) unpark() {
	for _, l := range s.lanes {
		s.p.queue.Unread(l.waiting())
		l.parked, l.first = nil, 0
	}
	s.parked = 0
}
