package redis

import (
	"context"
	"errors"

	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

var (
	refusedTopic = func() (driver.Fate, error) { return driver.Unroutable, errNoGroup }
	refusedInbox = func() (driver.Fate, error) { return driver.Unroutable, errNoInbox }
	dropped      = func() (driver.Fate, error) { return driver.Stored, nil }
)

// target is where a message goes.
type target struct {
	place  place
	stream string                      // empty: there is nowhere
	missed func() (driver.Fate, error) // what it means that the stream does not exist; nil creates it
}

// aim finds where the messages of a batch go, and whom nobody wants gets its fate. It returns false, and puts the batch back, where the server
// has to be asked for that and can't be, or where nobody is to be asked now.
func (l *line) aim(ctx context.Context, batch []sendqueue.Entry, ask bool) bool {
	l.targets, l.latest = l.targets[:0], aimed{}
	for i := range batch {
		t, err := l.target(ctx, &batch[i], ask)
		if err != nil { // nothing has been claimed
			l.putBack(batch)
			if ask {
				l.d.link.trouble(err)
			}
			return false
		}
		l.targets = append(l.targets, t)
	}
	return true
}

// target finds where an entry goes, or tells its fate if that is nowhere. An error means that the server can't be asked now.
func (l *line) target(ctx context.Context, e *sendqueue.Entry, ask bool) (target, error) {
	m, to := e.Msg, e.To
	switch {
	case m.Size() > l.d.caps.MaxMessage:
		finish(e, driver.TooLarge, errTooLarge)
		return target{}, nil
	case l.d.cfg.PubSub:
		t, err := l.channelTarget(to, m)
		if err != nil {
			finish(e, driver.Invalid, err)
		}
		return t, nil
	case to.Log:
		p := placeOf(to.Topic, -1)
		return target{place: p, stream: p.tag}, nil
	}
	keep := to.Unrouted == driver.Keep && to.Group == ""
	r, err := l.way(ctx, to, keep, ask)
	if err != nil {
		if isTrouble(err) || isMoved(err) || ctx.Err() != nil || !ask {
			return target{}, err
		}
		fate, err := fateOf(err)
		finish(e, fate, fail("publish", to.Topic, err))
		return target{}, nil
	}
	part := partitionOf(m.Slot, r.partitions)
	t := target{place: place{topic: to.Topic, part: part, tag: r.streams[max(0, part)]}, missed: missedAt(to)}
	t.stream = t.place.tag
	switch {
	case to.Group != "":
		t.stream = t.place.inbox(to.Group)
	case keep || r.groups:
	case to.Unrouted == driver.Drop:
		t.stream = ""
	default:
		finish(e, driver.Unroutable, errNoGroup)
	}
	return t, nil
}

// missedAt returns what it means that there is nothing to write to at an address; nil where it is made.
func missedAt(to driver.Address) func() (driver.Fate, error) {
	switch {
	case to.Log:
		return nil
	case to.Group != "":
		return refusedInbox
	case to.Unrouted == driver.Keep:
		return nil
	case to.Unrouted == driver.Drop:
		return dropped
	default:
		return refusedTopic
	}
}

// aimed is the latest address of a batch that was looked up: most messages of a batch go to the same.
type aimed struct {
	to    driver.Address
	route *route
}

// way returns the route to an address; unless it may ask, only one that is known.
func (l *line) way(ctx context.Context, to driver.Address, keep, ask bool) (*route, error) {
	if l.latest.route != nil && l.latest.to == to {
		return l.latest.route, nil
	}
	r := l.known(to.Topic, keep)
	if r == nil {
		if !ask {
			return nil, errToAsk
		}
		var err error
		if r, err = l.route(ctx, to.Topic, keep); err != nil {
			return nil, err
		}
	}
	l.latest = aimed{to, r}
	return r, nil
}

// errToAsk tells that the server has to be asked first.
var errToAsk = errors.New("not known yet where the topic's messages go")
