package messaging

import (
	"context"
	"strconv"

	"github.com/herald-go/herald/envelope"
)

// Transform makes a handler of a function that turns a delivery into events, which are published under a topic before the delivery is
// finished. Their ids are derived from the delivery's (with the type and the place in the slice), so that another attempt publishes the same
// events again, and whoever handles them can tell; their correlation and cause are the delivery's. No event publishes nothing. When
// publishing fails, the attempt has failed.
func Transform(p Publisher, topic string, f func(ctx context.Context, d *Delivery) ([]envelope.Event, error)) Handler {
	return HandlerFunc(func(ctx context.Context, d *Delivery) error {
		parent := d.Event // f may change the delivery
		events, err := f(ctx, d)
		if err != nil || len(events) == 0 {
			return err
		}
		derived := make([]envelope.Event, 0, len(events))
		for i, e := range events {
			e.ID = envelope.DeriveID(parent.ID, e.Type+"/"+strconv.Itoa(i))
			e.CausationID = parent.ID
			if e.CorrelationID == "" {
				e.CorrelationID = correlationOf(&parent)
			}
			derived = append(derived, e)
		}
		return p.Publish(ctx, topic, derived...)
	})
}
