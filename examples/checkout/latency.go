package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// responses are response times of the checkout: as usual, and while the mail server was away.
type responses struct{ usual, away []time.Duration }

func (r *responses) add(d time.Duration, away bool) {
	if away {
		r.away = append(r.away, d)
		return
	}
	r.usual = append(r.usual, d)
}

// followUps are what has to be done after an order, with how long each takes in the simulation.
var followUps = []struct {
	group string
	takes time.Duration
}{
	{"email", 2 * time.Millisecond},
	{"inventory", time.Millisecond},
	{"analytics", 500 * time.Microsecond},
	{"loyalty", 500 * time.Microsecond},
	{"recommend", time.Millisecond},
}

// comparison holds the checkout's response times for the same orders: with the follow-up work done as events, and inline.
type comparison struct {
	events, inline []time.Duration
	orders         int
	checkouts      int
	card           time.Duration
}

// compare sells the same orders twice, and lets the groups finish before it returns: the work must be done in both ways.
func compare(ctx context.Context, b *messaging.Broker, topic string, opt *options, sales []sale) (*comparison, error) {
	sample := make([]sale, 0, opt.sample)
	for _, s := range sales[:min(opt.sample, len(sales))] {
		sample = append(sample, sale{Order: s.Order})
	}
	c := &comparison{orders: len(sample), checkouts: opt.checkouts, card: opt.charge}
	pay := card{latency: opt.charge}

	var err error
	if c.events, err = sellAsEvents(ctx, b, topic, pay, sample, opt.checkouts); err != nil {
		return nil, err
	}
	c.inline, err = sellInline(ctx, pay, sample, opt.checkouts)
	return c, err
}

// sellAsEvents is the checkout with groups behind it.
func sellAsEvents(
	ctx context.Context, b *messaging.Broker, topic string, pay card, sales []sale, checkouts int,
) (times []time.Duration, err error) {
	members, err := openFollowUps(ctx, b, topic)
	defer func() {
		after := context.WithoutCancel(ctx) // the groups must not stay, also when the run was stopped
		err = errors.Join(err, closeAll(after, members), deleteGroups(after, b, members))
	}()
	if err != nil {
		return nil, err
	}
	s := shop{publisher: b, topic: topic, card: pay}
	r, err := s.sell(ctx, sales, checkouts)
	if err != nil {
		return nil, err
	}
	return r.usual, settle(ctx, b, members)
}

func openFollowUps(ctx context.Context, b *messaging.Broker, topic string) ([]*member, error) {
	var members []*member
	for _, f := range followUps {
		h := messaging.HandlerFunc(func(ctx context.Context, _ *messaging.Delivery) error { return pause(ctx, f.takes) })
		sub, err := b.Subscribe(ctx, topic, h, messaging.Group(f.group))
		if err != nil {
			return members, err
		}
		members = append(members, &member{topic: topic, group: f.group, sub: sub})
	}
	return members, nil
}

// sellInline is the checkout without events: the customer waits for all of it.
func sellInline(ctx context.Context, pay card, sales []sale, checkouts int) ([]time.Duration, error) {
	lines := queue(sales, checkouts)
	times := make([][]time.Duration, checkouts)
	errs := make([]error, checkouts)
	var wg sync.WaitGroup
	for i, line := range lines {
		wg.Go(func() {
			for _, s := range line {
				start := time.Now()
				if errs[i] = inline(ctx, pay, &s.Order); errs[i] != nil {
					return
				}
				times[i] = append(times[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	return slices.Concat(times...), errors.Join(errs...)
}

func inline(ctx context.Context, pay card, o *Order) error {
	if err := pay.charge(ctx, eventID(o.Number), o.Amount); err != nil {
		return err
	}
	for _, f := range followUps {
		if err := pause(ctx, f.takes); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) print(out io.Writer) {
	fmt.Fprintf(out, "What the customer waits for: %s orders, %d checkouts\n", grouped(c.orders), c.checkouts)
	fmt.Fprintf(out, "  %-32s %9s %9s %9s\n", "", "p50", "p99", "max")
	printTimes(out, "follow-up work done as events", c.events)
	printTimes(out, "follow-up work done inline", c.inline)
	fmt.Fprintf(out, "  Simulated, by sleeping: charge %v", c.card)
	for _, f := range followUps {
		fmt.Fprintf(out, ", %s %v", f.group, f.takes)
	}
	fmt.Fprint(out, ".\n  A sleep takes longer than it says. Events don't make that work faster: it is done after the answer.\n")
}

func printTimes(out io.Writer, what string, times []time.Duration) {
	if len(times) == 0 {
		return
	}
	times = slices.Sorted(slices.Values(times))
	fmt.Fprintf(out, "  %-32s %9s %9s %9s\n", what, millis(quantile(times, 0.5)), millis(quantile(times, 0.99)), millis(times[len(times)-1]))
}

// quantile returns the smallest of the sorted times that the share p of them does not exceed.
func quantile(sorted []time.Duration, p float64) time.Duration {
	i := int(p*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }
