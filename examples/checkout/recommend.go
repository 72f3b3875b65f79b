package main

import (
	"context"

	"github.com/herald-go/herald/pkg/messaging"
)

// recommend learns who buys how often. It wants everything that happens to orders, whatever it is: its filter is order.*, on both topics. On
// orders that leaves customer.joined out, which the broker doesn't even deliver to it where it can filter.
//
// It reads no data at all, only who (the key) and what (the type). So it is the one group that the malformed orders don't trouble.
type recommend struct {
	orders   *book
	rejected *book

	// What orders' lock guards.
	bought map[string]int // by customer; below zero while a rejection is known before its order
}

func newRecommend() *recommend {
	return &recommend{orders: newBook(), rejected: newBook(), bought: make(map[string]int)}
}

func (r *recommend) routes(func(orderHandler) messaging.Binding) messaging.Handler {
	return messaging.Route(messaging.OnType("order.*", messaging.HandlerFunc(r.learn)))
}

func (r *recommend) learn(_ context.Context, d *messaging.Delivery) error {
	if d.Type == OrderRejected.Type() {
		r.rejected.enter(d, func() {
			r.orders.mu.Lock()
			defer r.orders.mu.Unlock()
			r.bought[d.Key]--
		})
		return nil
	}
	r.orders.enter(d, func() { r.bought[d.Key]++ })
	return nil
}
