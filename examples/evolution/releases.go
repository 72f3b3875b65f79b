package main

import (
	"context"

	"github.com/herald-go/herald/pkg/messaging"
)

// upgradeTo2 and upgradeTo3 say what the events of an older version mean in a newer one.
var (
	upgradeTo2 = messaging.Upcast(OrderPlacedEvent, OrderPlacedV2Event, func(o OrderPlaced) (OrderPlacedV2, error) {
		return OrderPlacedV2{Order: o.Order, Total: o.Total}, nil
	})
	upgradeTo3 = messaging.Upcast(OrderPlacedV2Event, OrderPlacedV3Event, func(o OrderPlacedV2) (OrderPlacedV3, error) {
		return OrderPlacedV3{Order: o.Order, Total: o.Total, Currency: "EUR", Note: o.Note}, nil
	})
)

// downgradeTo2 is for who keeps books in one currency.
var downgradeTo2 = messaging.Downcast(OrderPlacedV3Event, OrderPlacedV2Event, func(o OrderPlacedV3) (OrderPlacedV2, error) {
	return OrderPlacedV2{Order: o.Order, Total: o.Total, Note: o.Note}, nil
})

// billing1 knows version 1. It is bound to the type, so that it also gets versions that are compatible with its own.
func billing1(b *book) *messaging.Router {
	return messaging.Route(messaging.OnType(OrderPlacedEvent.Type(), messaging.HandlerFunc(func(_ context.Context, d *messaging.Delivery) error {
		o, err := OrderPlacedEvent.Decode(&d.Event)
		if err != nil {
			return messaging.Permanent(err)
		}
		b.write(o.Order, o.Total)
		return nil
	})))
}

// billing2 asks for version 2 and gets it, whichever was published.
func billing2(b *book) *messaging.Router {
	return messaging.Route(upgradeTo2, messaging.On(OrderPlacedV2Event, func(_ context.Context, e messaging.Typed[OrderPlacedV2]) error {
		b.write(e.Value.Order, e.Value.Total)
		return nil
	}))
}

// billing3 asks for version 3.
func billing3(b *book) *messaging.Router {
	return messaging.Route(upgradeTo2, upgradeTo3, messaging.On(OrderPlacedV3Event, func(_ context.Context, e messaging.Typed[OrderPlacedV3]) error {
		b.write(e.Value.Order, e.Value.Total)
		return nil
	}))
}

// ledger2 stays at version 2.
func ledger2(b *book) *messaging.Router {
	return messaging.Route(upgradeTo2, downgradeTo2, messaging.On(OrderPlacedV2Event, func(_ context.Context, e messaging.Typed[OrderPlacedV2]) error {
		b.write(e.Value.Order, e.Value.Total)
		return nil
	}))
}
