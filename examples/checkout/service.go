package main

import (
	"context"

	"github.com/herald-go/herald/pkg/messaging"
)

// service is the customer service: it pays back what was charged for an order that can't be delivered.
type service struct {
	book *book

	// What book's lock guards.
	refunds map[string]Cents // by the id of the order's event
}

func newService() *service { return &service{book: newBook(), refunds: make(map[string]Cents)} }

func (s *service) routes(func(orderHandler) messaging.Binding) messaging.Handler {
	return messaging.Route(messaging.On(OrderRejected, s.refund))
}

// refund finds the order by the causation id that DerivedFrom wrote: the rejection was caused by the order's event.
func (s *service) refund(_ context.Context, e messaging.Typed[Rejection]) error {
	s.book.enter(e.Delivery, func() { s.refunds[e.CausationID] += e.Value.Order.Amount })
	return nil
}
