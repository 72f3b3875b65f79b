package kafka

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/herald-go/herald/adapters/internal/backoff"
	"github.com/herald-go/herald/adapters/internal/sendqueue"
	"github.com/herald-go/herald/pkg/driver"
)

const (
	// routeCount and routeBytes bound what one look at a queue takes.
	routeCount, routeBytes = 4096, 8 << 20
	// routeKept is how long it is believed that a topic has a group. That it has none is never believed: it is asked each time.
	routeKept = 30 * time.Second
	// groupsAway is how long a topic that had a group is believed to have one although none is listed: a broker that begins to coordinate
	// groups, after a restart say, leaves those out that it has not read yet, and does not say so.
	groupsAway = 10 * time.Second
)

// route is the way to one address: a queue, and a goroutine that finds out where it leads and spreads the messages over partitions.
type route struct {
	p     *publisher
	key   routeKey
	queue *sendqueue.Queue

	plan  plan
	asked time.Time
	epoch uint64 // the groups' epoch at which the plan was made
	taken []sendqueue.Entry

	missed time.Time // since when no group is listed, where there was one
}

// plan is where a route leads.
type plan struct {
	topics     []string // one, or one for each tier
	partitions int
	limit      int
	mark       mark
	fate       driver.Fate // set where nothing is to be written
	err        error
}

// turnAddress carries a Send's turn through the queue, so that its messages without key stay together; the route itself is the address.
func turnAddress(n uint64) driver.Address {
	return driver.Address{Topic: turns[n/stickiness%uint64(len(turns))]}
}

var turns = func() (names [256]string) {
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}()

func turnOf(to driver.Address) int {
	n, err := strconv.Atoi(to.Topic)
	if err != nil {
		return 0 // never: turnAddress made it
	}
	return n
}

func topicIsDerived(name string) bool { return strings.HasPrefix(name, derivedPrefix) }

func (rt *route) run(ctx context.Context) {
	pause := backoff.New(retryFirst, retryMost)
	for {
		select {
		case <-ctx.Done():
			return
		case <-rt.queue.Ready():
		}
		rt.taken = rt.queue.Take(rt.taken[:0], routeCount, routeBytes)
		if len(rt.taken) == 0 {
			continue
		}
		if err := rt.resolve(ctx); err != nil {
			rt.refused(ctx, err, pause)
			continue
		}
		pause.Reset()
		rt.spread()
	}
}

// refused puts the messages back, or ends them where waiting is of no use.
func (rt *route) refused(ctx context.Context, err error, pause *backoff.Backoff) {
	switch {
	case errors.Is(err, driver.ErrClosed):
		rt.queue.Unread(rt.taken) // whoever closes gives them their fate
	case denied(err):
		sendqueue.DoneAll(rt.taken, driver.Denied, fail("publish", rt.key.to.Topic, err))
	case errors.Is(err, driver.ErrUnknownTopic):
		sendqueue.DoneAll(rt.taken, driver.Unroutable, fail("publish", rt.key.to.Topic, err))
	case permanent(err):
		sendqueue.DoneAll(rt.taken, driver.Invalid, fail("publish", rt.key.to.Topic, err))
	default:
		rt.queue.Unread(rt.taken)
		_ = pause.Wait(ctx)
	}
	clear(rt.taken)
}

// resolve makes sure that the plan holds for what was just taken.
func (rt *route) resolve(ctx context.Context) error {
	epoch := rt.p.admin.epoch.Load()
	if rt.plan.partitions > 0 && rt.epoch == epoch && rt.current() && time.Since(rt.asked) < routeKept {
		return nil
	}
	plan, err := rt.ask(ctx, epoch)
	if err != nil {
		return err
	}
	rt.plan, rt.asked, rt.epoch = plan, time.Now(), epoch
	return nil
}

// current reports whether the topic has as many partitions as the plan says: they may have been added, or the topic deleted.
func (rt *route) current() bool {
	t := rt.p.cluster.known(rt.plan.topics[0])
	return t != nil && len(t.leaders) == rt.plan.partitions
}

func (rt *route) ask(ctx context.Context, epoch uint64) (plan, error) {
	to := rt.key.to
	switch {
	case to.Group != "":
		pl, err := rt.planFor(ctx, inboxTopics(to.Topic, to.Group))
		if errors.Is(err, driver.ErrUnknownTopic) {
			return plan{fate: driver.Unroutable, err: errNoInbox}, nil
		}
		pl.mark = rt.key.mark
		return pl, err
	case to.Log:
		return rt.planOf(ctx, logSpec(to.Topic))
	}
	routed, err := rt.p.admin.hasGroup(ctx, to.Topic)
	if err != nil {
		return plan{}, err
	}
	if routed {
		rt.missed = time.Time{}
	}
	switch {
	case routed:
		return rt.planFor(ctx, []string{to.Topic})
	case to.Unrouted == driver.Keep:
		return rt.planOf(ctx, topicSpec{name: to.Topic})
	case rt.misses(epoch):
		return plan{}, errGroupsAway
	case to.Unrouted == driver.Drop:
		return rt.dropped(ctx)
	default:
		return plan{fate: driver.Unroutable, err: errNoGroup}, nil
	}
}

// misses reports whether the topic had a group a moment ago, which this driver has not deleted.
func (rt *route) misses(epoch uint64) bool {
	if rt.plan.partitions == 0 || rt.plan.mark == markDropped || rt.epoch != epoch {
		return false
	}
	if rt.missed.IsZero() {
		rt.missed = time.Now()
	}
	return time.Since(rt.missed) < groupsAway
}

// dropped is the plan for what no group wants: broadcast readers of a topic that exists still get it.
func (rt *route) dropped(ctx context.Context) (plan, error) {
	pl, err := rt.planFor(ctx, []string{rt.key.to.Topic})
	if errors.Is(err, driver.ErrUnknownTopic) {
		return plan{fate: driver.Stored}, nil
	}
	pl.mark = markDropped
	rt.asked = time.Time{}
	return pl, err
}

// planOf creates the topic if need be.
func (rt *route) planOf(ctx context.Context, spec topicSpec) (plan, error) {
	if _, err := rt.p.admin.ensure(ctx, spec); err != nil {
		return plan{}, err
	}
	return rt.planFor(ctx, []string{topicName(spec.name)})
}

func (rt *route) planFor(ctx context.Context, topics []string) (plan, error) {
	pl := plan{topics: topics}
	for _, name := range topics {
		t, err := rt.p.cluster.topic(ctx, name)
		if err != nil {
			return plan{}, err
		}
		if pl.partitions == 0 || len(t.leaders) < pl.partitions {
			pl.partitions = len(t.leaders)
		}
	}
	pl.limit = rt.p.admin.maxMessage(ctx, topics[0])
	return pl, nil
}

// spread hands what was taken to the partitions.
func (rt *route) spread() {
	pl := &rt.plan
	if pl.fate != 0 {
		rt.plan.partitions = 0
		rt.end(pl.fate, pl.err)
		clear(rt.taken)
		return
	}
	now := rt.p.cluster.wall()
	for i := 0; i < len(rt.taken); {
		first := rt.place(&rt.taken[i], now)
		n := 1
		for i+n < len(rt.taken) && rt.place(&rt.taken[i+n], now) == first {
			n++
		}
		rt.p.part(first, pl.limit).add(rt.taken[i:i+n], pl.mark)
		i += n
	}
	if pl.mark == markDropped {
		rt.plan.partitions = 0 // a group may be there next time
	}
	clear(rt.taken)
}

// end gives what was taken a fate without writing it.
func (rt *route) end(fate driver.Fate, err error) {
	for i := range rt.taken {
		e := &rt.taken[i]
		switch {
		case !e.Msg.Claim():
			e.Done(driver.Unavailable, driver.ErrWithdrawn)
		case fate == driver.Stored:
			e.Done(fate, nil)
		default:
			e.Done(fate, fail("publish", rt.key.to.Topic, err))
		}
	}
}

// place chooses topic and partition of a message.
func (rt *route) place(e *sendqueue.Entry, now time.Time) partKey {
	pl := &rt.plan
	key := partKey{topic: pl.topics[0]}
	if len(pl.topics) > 1 && !e.Msg.NotBefore.IsZero() {
		key.topic = pl.topics[tierFor(e.Msg.Due(now).Sub(now))]
	}
	if e.Msg.Key == "" {
		key.number = turnOf(e.To) % pl.partitions
	} else {
		key.number = partitionOf(e.Msg.Key, pl.partitions)
	}
	return key
}
