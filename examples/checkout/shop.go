package main

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// sale is an order as the checkout meets it.
type sale struct {
	Order
	first bool  // the customer's first order
	fault fault // what an old checkout does to it
	twice bool  // the checkout doesn't hear that it was published, and publishes it again
}

// planSales says what happens to each order. It is the same in each run.
func planSales(orders []Order) []sale {
	sales := make([]sale, len(orders))
	known := make(map[string]bool)
	for i, o := range orders {
		s := sale{Order: o, first: !known[o.Customer], fault: faultOf(i, len(orders))}
		s.twice = s.fault == sound && i%1000 == 401
		known[o.Customer] = true
		sales[i] = s
	}
	return sales
}

// card stands for the payment provider.
type card struct{ latency time.Duration }

// charge takes the money. The id of the order's event is the idempotency key: a provider charges once for each.
func (c card) charge(ctx context.Context, _ string, _ Cents) error { return pause(ctx, c.latency) }

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// shop is the checkout. It charges the card itself, while the customer waits, because the customer must hear whether it worked. All else is
// left to whoever listens: the checkout neither knows them nor waits for them.
type shop struct {
	publisher messaging.Publisher
	topic     string
	card      card
	mail      *mailServer // to tell response times during its outage apart; nil is always there

	sold atomic.Int64
}

// sell runs the checkouts until every sale is made, and returns their response times. All orders of a customer go to the same checkout, one
// after the other, as a customer does; that is why they are published in order.
func (s *shop) sell(ctx context.Context, sales []sale, checkouts int) (responses, error) {
	lines := queue(sales, checkouts)
	times := make([]responses, checkouts)
	errs := make([]error, checkouts)
	var wg sync.WaitGroup
	for i, line := range lines {
		wg.Go(func() { times[i], errs[i] = s.serve(ctx, line) })
	}
	wg.Wait()
	var all responses
	for _, t := range times {
		all.usual = append(all.usual, t.usual...)
		all.away = append(all.away, t.away...)
	}
	return all, errors.Join(errs...)
}

// queue puts the customers into a line for each checkout.
func queue(sales []sale, checkouts int) [][]*sale {
	lines := make([][]*sale, checkouts)
	seed := maphash.MakeSeed()
	for i := range sales {
		n := maphash.String(seed, sales[i].Customer) % uint64(checkouts)
		lines[n] = append(lines[n], &sales[i])
	}
	return lines
}

// serve is one checkout. Many of them publish at the same time, one order a call: the publisher makes few round trips of many calls.
func (s *shop) serve(ctx context.Context, line []*sale) (responses, error) {
	var r responses
	for _, next := range line {
		start := time.Now()
		if err := s.checkout(ctx, next); err != nil {
			return r, err
		}
		r.add(time.Since(start), s.mail != nil && s.mail.away())
		s.sold.Add(1)
	}
	return r, nil
}

// checkout is what the customer waits for. When it returns nil, the order is paid for and the broker has it.
func (s *shop) checkout(ctx context.Context, next *sale) error {
	if err := s.card.charge(ctx, eventID(next.Number), next.Amount); err != nil {
		return err
	}
	events := next.events()
	if err := s.publisher.Publish(ctx, s.topic, events...); err != nil {
		return err
	}
	if !next.twice {
		return nil
	}
	// Here the answer was lost, so whether it was published is unknown. Publishing again is safe, for the ids are the same.
	return s.publisher.Publish(ctx, s.topic, events...)
}

// events returns what is published: for a customer's first order, that they joined and then the order, in one call. Both have the same key,
// so nobody handles the order first.
func (s *sale) events() []envelope.Event {
	placed := s.placed()
	if s.fault != sound {
		placed = malformed(&s.Order, s.fault)
	}
	if !s.first {
		return []envelope.Event{placed}
	}
	joined := CustomerJoined.New(Customer{ID: s.Customer, Since: s.Date}, envelope.Key(s.Customer), envelope.DerivedFrom(placed))
	return []envelope.Event{joined, placed}
}
