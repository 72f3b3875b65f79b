package memory

import (
	"errors"
	"fmt"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

// route finds where messages go: a topic; or a fate for all of them; or neither, when the topic is yet to be made. s.mu is held.
func (s *Server) route(to driver.Address) (*topic, *failed) {
	if to.Topic == "" {
		return nil, &failed{fate: driver.Invalid, err: fail("publish", "", driver.CheckTopic(""))}
	}
	t := s.topics[to.Topic]
	switch {
	case to.Group != "":
		if t == nil {
			return nil, &failed{fate: driver.Unroutable, err: fail("publish", to.Topic, errNoInbox)}
		}
		return t, nil
	case t != nil:
		return t, nil
	case to.Log:
		return nil, nil
	case to.Unrouted == driver.Keep && s.cfg.Like != LikeRabbitMQ:
		return nil, nil
	default:
		return nil, unrouted(s.cfg.Like, to)
	}
}

// unrouted is the fate of messages for a topic without a group; nil is to keep them.
func unrouted(like string, to driver.Address) *failed {
	switch {
	case to.Unrouted == driver.Drop:
		return &failed{fate: driver.Stored}
	case to.Unrouted == driver.Keep && like == LikeRabbitMQ:
		return &failed{fate: driver.Invalid, err: fail("publish", to.Topic, because(driver.ErrUnsupported, errKeepRefused))}
	case to.Unrouted == driver.Keep:
		return nil
	default:
		return &failed{fate: driver.Unroutable, err: fail("publish", to.Topic, errNoGroup)}
	}
}

// destination is where one topic puts messages for an address: an inbox's group, the log, or a fate for all. The topic's lock is held.
func (t *topic) destination(like string, to driver.Address) (*group, *failed) {
	switch {
	case to.Group != "":
		g := t.groups[to.Group]
		if g == nil || !g.born {
			return nil, &failed{fate: driver.Unroutable, err: fail("publish", to.Topic, fmt.Errorf("%s: %w", to.Group, errNoInbox))}
		}
		return g, nil
	case to.Log, t.plain, len(t.groups) > 0:
		return nil, nil
	case to.Unrouted == driver.Drop && len(t.readers) > 0:
		return nil, nil
	default:
		return nil, unrouted(like, to)
	}
}

// accept claims and stores messages and returns the exceptions, and what is to be called when no lock is held. ahead is
// how many nanoseconds the sender's clock is ahead of the server's.
func (s *Server) accept(t *topic, whole *failed, to driver.Address, msgs []*driver.Message, ahead int64) ([]failed, []func()) {
	if t == nil {
		var bad []failed
		for i, m := range msgs {
			if f := claim(m, s.cfg.MaxMessage, whole); f != nil {
				bad = append(bad, failed{i, f.fate, f.err})
			}
		}
		return bad, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := now()
	t.tick(now)
	inbox, whole := t.destination(s.cfg.Like, to)
	var bad []failed
	for i, m := range msgs {
		f := claim(m, s.cfg.MaxMessage, whole)
		if f == nil {
			f = t.store(m, inbox, now, ahead)
		}
		if f != nil {
			bad = append(bad, failed{i, f.fate, f.err})
		}
	}
	if inbox == nil {
		t.trim(now)
	}
	t.wake()
	return bad, t.takeAfter()
}

// claim takes the message for writing and checks it; nil is to store it. whole is the fate of all messages of its Send, if it is known.
func claim(m *driver.Message, limit int, whole *failed) *failed {
	switch {
	case !m.Claim():
		return &failed{fate: driver.Unavailable, err: driver.ErrWithdrawn}
	case limit > 0 && m.Size() > limit:
		return &failed{fate: driver.TooLarge, err: fmt.Errorf("memory: %d bytes, at most %d are allowed", m.Size(), limit)}
	default:
		return whole
	}
}

var errLostAnswer = errors.New("answer lost")

// store puts one claimed message where it goes, unless a fault says otherwise; nil is simply stored.
func (t *topic) store(m *driver.Message, inbox *group, now, ahead int64) *failed {
	refuse, unconfirmed, store := t.dice.publish()
	switch {
	case t.refuses:
		refuse, store = true, false
	case t.mute:
		refuse, unconfirmed, store = false, true, true
	}
	if store {
		t.put(m, inbox, now, ahead)
	}
	switch {
	case refuse:
		return &failed{fate: driver.Unavailable, err: ErrInjected}
	case unconfirmed:
		return &failed{fate: driver.Unconfirmed, err: because(ErrInjected, errLostAnswer)}
	default:
		return nil
	}
}

func (t *topic) put(m *driver.Message, inbox *group, now, ahead int64) {
	due := nanos(m.Due(time.Unix(0, now+ahead)).Add(-time.Duration(ahead)))
	switch {
	case inbox != nil:
		inbox.deposit(m, max(due, now), now)
	case due > now:
		t.postpone(m, due)
	default:
		t.append(m, now)
	}
}

// deposit puts m into the group's inbox.
func (g *group) deposit(m *driver.Message, due, now int64) {
	t := g.topic
	e := lone(m)
	t.arrival++
	e.seq, e.stored, e.due = t.arrival, now, due
	t.dice.deliver(e)
	g.lane(e.slot).inbox.put(parcel{e: e, inbox: true})
}
