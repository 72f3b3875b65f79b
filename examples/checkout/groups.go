package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// retryPolicy is shortened so that an outage and its end can be watched. The default is 0, 100 and 500 ms, then 10 s, 1 min and 10 min.
var retryPolicy = messaging.RetryPolicy{
	Quick: []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond},
	Later: []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second},
}

// binder is strict or mended.
type binder = func(orderHandler) messaging.Binding

// member is one group at one topic, at work in this process.
type member struct {
	topic, group string
	label        string // for people
	concurrency  int
	routes       func(binder) messaging.Handler
	done         func() int64 // how many different orders it has handled
	sub          *messaging.Subscription
}

// groups is everything that follows a checkout. No group knows of another, and none can slow or stop another.
type groups struct {
	email     *email
	inventory *inventory
	analytics *analytics
	loyalty   *loyalty
	recommend *recommend
	service   *service
	members   []*member // those at topic orders first
}

func newGroups(names topics, mail *mailServer, f *facts, breakage string) *groups {
	g := &groups{
		email:     &email{server: mail, book: newBook()},
		inventory: newInventory(names.rejections, f.pieces/albums),
		analytics: newAnalytics(breakage == breakDrop),
		loyalty:   newLoyalty(breakage == breakTwice),
		recommend: newRecommend(),
		service:   newService(),
	}
	at := func(topic, group, label string, concurrency int, routes func(binder) messaging.Handler, b *book) {
		g.members = append(g.members, &member{
			topic: topic, group: group, label: label, concurrency: concurrency, routes: routes, done: b.size.Load,
		})
	}
	at(names.orders, "email", "email", 32, g.email.routes, g.email.book)
	at(names.orders, "inventory", "inventory", 8, g.inventory.routes, g.inventory.book)
	at(names.orders, "analytics", "analytics", 4, g.analytics.routes, g.analytics.book)
	at(names.orders, "loyalty", "loyalty", 8, g.loyalty.routes, g.loyalty.book)
	at(names.orders, "recommend", "recommend", 4, g.recommend.routes, g.recommend.orders)
	at(names.rejections, "service", "rejected: service", 4, g.service.routes, g.service.book)
	at(names.rejections, "recommend", "rejected: recommend", 4, g.recommend.routes, g.recommend.rejected)
	return g
}

// open subscribes every group. From here on the broker keeps events for it, whether or not it is at work.
func (g *groups) open(ctx context.Context, s messaging.Subscriber) error {
	for _, m := range g.members {
		if err := m.open(ctx, s, strict); err != nil {
			return err
		}
	}
	return nil
}

func (m *member) open(ctx context.Context, s messaging.Subscriber, bind binder) error {
	sub, err := s.Subscribe(ctx, m.topic, m.routes(bind), messaging.Group(m.group), messaging.Concurrency(m.concurrency),
		messaging.Retry(retryPolicy))
	if err != nil {
		return err
	}
	m.sub = sub
	return nil
}

// deploy is what a rollout of a new version does: the old handler drains and leaves, the new one joins the same group and goes on where the
// old one stopped.
func (m *member) deploy(ctx context.Context, s messaging.Subscriber, bind binder) error {
	if err := m.sub.Close(ctx); err != nil {
		return err
	}
	return m.open(ctx, s, bind)
}

// closeAll lets the handlers finish and leaves the groups, whose places in their topics stay where they are.
func closeAll(ctx context.Context, members []*member) error {
	var errs []error
	for _, m := range members {
		if m.sub != nil {
			errs = append(errs, m.sub.Close(ctx))
		}
	}
	return errors.Join(errs...)
}

// deleteGroups deletes the groups that were opened, where the broker can.
func deleteGroups(ctx context.Context, b *messaging.Broker, members []*member) error {
	var errs []error
	for _, m := range members {
		if m.sub == nil {
			continue
		}
		if err := b.DeleteGroup(ctx, m.topic, m.group); !errors.Is(err, messaging.ErrUnsupported) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// settle waits until every group has finished everything, what waits for a later try included. It asks the groups in the order of
// members: a group publishes what follows before it finishes the event that it follows from, so when the groups at orders have finished, all
// rejections are published.
func settle(ctx context.Context, b *messaging.Broker, members []*member) error {
	for _, m := range members {
		if err := m.settle(ctx, b); err != nil {
			return fmt.Errorf("group %s of topic %s has not finished: %w", m.group, m.topic, err)
		}
	}
	return nil
}

// What a member asks of a broker that may be busy.
const (
	lagTries = 10          // how often in a row the lag may be asked for in vain
	lagPause = time.Second // after each of those
)

// settle is settle for one group. It believes no lag of nothing that it has seen only once: a broker may count one queue after the other, and
// what goes from one to the other meanwhile is in neither.
func (m *member) settle(ctx context.Context, b *messaging.Broker) error {
	for failures, nothing := 0, 0; ; {
		lag, err := b.Lag(ctx, m.topic, m.group)
		next := 10 * time.Millisecond
		switch {
		case errors.Is(err, messaging.ErrUnsupported):
			return quiet(ctx, b)
		case err != nil && (failures == lagTries || ctx.Err() != nil):
			return err
		case err != nil:
			failures++
			next = lagPause
		case lag.Count == 0 && lag.Later == 0:
			failures = 0
			if nothing++; nothing == 2 {
				return nil
			}
		default:
			failures, nothing = 0, 0
		}
		if err := pause(ctx, next); err != nil {
			return err
		}
	}
}

// quiet is for brokers that can't tell the lag: it waits until nothing has happened for longer than the longest delay between two tries.
func quiet(ctx context.Context, b *messaging.Broker) error {
	patience := 3 * slices.Max(retryPolicy.Later)
	for {
		before := b.Stats()
		if err := pause(ctx, patience); err != nil || b.Stats() == before {
			return err
		}
	}
}
