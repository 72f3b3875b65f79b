package main

import (
	"context"

	"github.com/herald-go/herald/pkg/messaging"
)

// month is what happened in a month.
type month struct {
	Orders, Joined int
	Revenue        Cents
}

// analytics adds up each month. It wants two kinds of event, each by its exact type, and has a route for each; one subscription serves both,
// because the group is one.
type analytics struct {
	book   *book
	joined *book
	forget bool // -break drop

	// What book's lock guards.
	revenue map[string]month
	// What joined's lock guards.
	newcomers map[string]int
}

func newAnalytics(forget bool) *analytics {
	return &analytics{book: newBook(), joined: newBook(), forget: forget, revenue: make(map[string]month), newcomers: make(map[string]int)}
}

func (a *analytics) routes(bind func(orderHandler) messaging.Binding) messaging.Handler {
	return messaging.Route(bind(a.count), messaging.On(CustomerJoined, a.welcome))
}

func (a *analytics) count(_ context.Context, e messaging.Typed[Order]) error {
	if a.forget && forgets(&e.Value) {
		return nil // the broken handler: nil says that the work is done, and it isn't
	}
	a.book.enter(e.Delivery, func() {
		m := a.revenue[e.Value.month()]
		m.Orders++
		m.Revenue += e.Value.Amount
		a.revenue[e.Value.month()] = m
	})
	return nil
}

// forgets picks the orders that a broken handler loses.
func forgets(o *Order) bool { return o.Number%250 == 17 }

func (a *analytics) welcome(_ context.Context, e messaging.Typed[Customer]) error {
	a.joined.enter(e.Delivery, func() { a.newcomers[e.Value.Since[:len("1997-01")]]++ })
	return nil
}
