package rabbitmq

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// unsureFor is how long a topic without a group of Herald's is published to before somebody looks again whether broadcast readers have come.
const unsureFor = time.Second

// route is the way of messages with one address, as one session has found it out.
type route struct {
	exchange  string
	key       string // unless the key is the message's type
	byType    bool
	mandatory bool
	topic     string    // of a topic, for delays
	group     string    // of an inbox, for delays
	until     time.Time // when to look again; zero is never
	fate      driver.Fate
	err       error // why nothing can go this way now; then the route holds for one batch
}

// refused is a route that is none.
func refused(fate driver.Fate, err error) route { return route{fate: fate, err: err} }

// prepare finds out the way of an address, declaring what it needs. An error means that the link is in trouble: the broker's refusals are
// routes.
func (s *session) prepare(to driver.Address, now time.Time) (route, error) {
	var r route
	var err error
	switch {
	case !to.Log && !driver.ValidName(to.Topic):
		return refused(driver.Invalid, driver.CheckTopic(to.Topic)), nil
	case to.Log:
		r, err = s.prepareLog(to)
	case to.Group != "":
		r, err = s.prepareInbox(to)
	case to.Unrouted == driver.Keep:
		return refused(driver.Invalid, because(driver.ErrUnsupported, errKeepRefused)), nil
	default:
		r, err = s.prepareTopic(to, now)
	}
	if err == nil {
		return r, nil
	}
	if !refusal(err) {
		return route{}, err
	}
	return refused(fateOf(err), err), nil
}

func (s *session) prepareLog(to driver.Address) (route, error) {
	name := logStream(to.Topic)
	if len(name) > shortLimit {
		return refused(driver.Invalid, errLogName), nil
	}
	if s.p.d.cfg.Declare == DeclareCreate {
		if err := s.desk.queue(name, streamArgs(0)); err != nil {
			return route{}, err
		}
	}
	return route{key: name, mandatory: true}, nil
}

func (s *session) prepareInbox(to driver.Address) (route, error) {
	if err := driver.CheckGroup(to.Group); err != nil {
		return refused(driver.Invalid, err), nil
	}
	n, err := s.desk.partitions(to.Topic, to.Group)
	switch {
	case err != nil:
		return route{}, err
	case n < 0:
		return refused(driver.Unroutable, errNoInbox), nil
	case n == 0:
		return route{key: groupQueue(to.Topic, to.Group), mandatory: true, topic: to.Topic, group: to.Group}, nil
	}
	return route{exchange: slotsExchange(to.Topic, to.Group), byType: true, mandatory: true, topic: to.Topic, group: to.Group}, nil
}

// prepareTopic declares the topic, asks for the right to publish, and looks for groups. Without one of Herald's, a message may go to queues
// that somebody bound by hand, unless broadcast readers or the history would take it: those are no groups.
func (s *session) prepareTopic(to driver.Address, now time.Time) (route, error) {
	r := route{exchange: to.Topic, byType: true, mandatory: to.Unrouted == driver.Refuse, topic: to.Topic}
	if err := s.declareTopicOnce(to.Topic); err != nil {
		return route{}, err
	}
	if to.Unrouted == driver.Drop {
		return r, nil
	}
	grouped, err := s.desk.grouped(to.Topic)
	if err != nil || grouped {
		return r, err
	}
	bound, err := s.mend(to.Topic)
	if err != nil { // not the session's end: what other topics have in flight would be unconfirmed
		return refused(driver.Unavailable, because(errUnsure, err)), nil
	}
	if bound {
		return r, nil
	}
	r.until = now.Add(unsureFor)
	readers, err := s.desk.hasExchange(readersExchange(to.Topic))
	if err == nil && (readers || s.p.d.cfg.History > 0) {
		return refused(driver.Unroutable, errNoGroup), nil
	}
	return r, err
}

func (s *session) declareTopicOnce(topic string) error {
	if s.known[topic] {
		return nil
	}
	d := s.p.d
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	err := steps(
		func() error { return d.declareTopic(ctx, &s.desk, &d.cfg, topic, goneTopic(s.p.why, topic)) },
		func() error { return s.desk.mayPublish(topic, "") },
	)
	if err == nil {
		s.known[topic] = true
	}
	return err
}

// forget makes the session look again: what it knew of an address turned out to be wrong.
func (s *session) forget(to driver.Address) {
	if l := s.lanes[to]; l != nil {
		l.route = nil
	}
	delete(s.known, to.Topic)
	delete(s.delayed, to.Topic)
}

// address is where a message goes, and what it waits for on the way.
func (s *session) address(r *route, m *driver.Message, wall time.Time) (w way, err error) {
	w = way{exchange: r.exchange, key: r.key, mandatory: r.mandatory}
	if r.byType && len(m.Type) <= shortLimit {
		w.key = m.Type
	}
	if m.NotBefore.IsZero() {
		return w, nil
	}
	wait := m.Due(wall).Sub(wall)
	if wait <= 0 {
		return w, nil
	}
	if wait += waitMargin; wait > maxWait {
		return way{}, because(driver.ErrUnsupported, errWaitTooLong)
	}
	switch {
	case r.group != "":
		w.expiration = strconv.FormatInt(wait.Milliseconds()+1, 10)
		w.exchange, w.key = "", tierQueue(r.topic, r.group, tierFor(wait))
		return w, nil
	case r.topic != "" && r.mandatory && !r.until.IsZero(): // it would be dropped when it is due
		return way{}, errNoGroup
	case r.topic != "":
		err = s.delay(r.topic, &w, wait)
		return w, err
	}
	return way{}, because(driver.ErrUnsupported, errors.New("a log delays nothing"))
}
